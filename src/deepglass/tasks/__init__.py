"""What is learned: one file per task. The contract is in `deepglass.tasks.task`."""
