// Sort a table by a click on its head: numbers by data-value, words by the reader's language.
for (const head of document.querySelectorAll("thead th")) {
  const place = head.cellIndex, body = head.closest("table").tBodies[0];
  if (body.rows.length < 3) continue;
  head.setAttribute("aria-sort", "none");
  head.tabIndex = 0;
  const key = row => row.cells[place].dataset.value;
  const sort = () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].sort((a, b) => key(a) !== undefined && key(b) !== undefined
      ? key(a) - key(b) : a.cells[place].textContent.localeCompare(b.cells[place].textContent, undefined, { numeric: true }));
    body.append(...(down ? rows.reverse() : rows));
  };
  head.addEventListener("click", sort);
  head.addEventListener("keydown", press => { if (press.key === "Enter") sort(); });
}
// Copy the command.
for (const button of document.querySelectorAll(".command button")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => navigator.clipboard.writeText(button.previousElementSibling.textContent));
}
// Leaf through the slices of a volume.
for (const viewer of document.querySelectorAll(".viewer")) {
  const handle = viewer.querySelector("input"), slices = viewer.querySelectorAll("img");
  if (!handle) continue; // one picture alone
  handle.hidden = false;
  handle.addEventListener("input", () => slices.forEach((slice, place) => { slice.hidden = place !== +handle.value; }));
}
// How much of a picture its mask covers, or from which score a box is shown.
for (const dial of document.querySelectorAll(".dial")) {
  const input = dial.querySelector("input"), home = dial.closest(".overlay");
  const turn = () => {
    const share = input.value / 100;
    dial.querySelector("output").textContent = `${input.value} %`;
    if (input.dataset.of === "opacity") home.style.setProperty("--cover", share);
    else for (const mark of home.querySelectorAll("[data-score]")) mark.classList.toggle("below", mark.dataset.score < share);
  };
  dial.hidden = false;
  input.addEventListener("input", turn);
  turn();
}
// Say in the row of links where the reader is.
const links = new Map([...document.querySelectorAll("nav a")].map(link => [link.hash.slice(1), link]));
const watch = new IntersectionObserver(
  seen => { for (const one of seen) links.get(one.target.id).classList.toggle("here", one.isIntersecting); },
  { rootMargin: "-45% 0px -50% 0px" });
for (const section of document.querySelectorAll("main section")) watch.observe(section);
// On paper every table is open.
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
