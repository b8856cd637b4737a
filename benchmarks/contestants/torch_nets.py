"""The six networks in plain PyTorch, as its tutorials write them; for PyTorch, Lightning, and handed to deepglass."""

import torch
from rows import LETTERS, MARKS
from torch import Tensor, nn


def mlp() -> nn.Module:
    """784-512-256-10 with rectifiers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
    )


def lenet5() -> nn.Module:
    """LeNet-5 with tanh and mean pools; a frame of two pixels makes 32x32 of 28x28."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        nn.Flatten(),
        *(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )


def alexnet() -> nn.Module:
    """AlexNet in one tower, with dropout."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        nn.Flatten(),
        *(nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(inplace=True)),
        *(nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(inplace=True)),
        nn.Linear(4096, 10),
    )


class Unit(nn.Module):
    """A residual unit: the branch, and the shortcut around it."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.branch(x) + self.shortcut(x))


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution without bias and its normalisation."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]


def unit(inputs: int, width: int, stride: int, wide: int) -> Unit:
    """Two 3x3 convolutions, or where `wide` is 4 a bottleneck of 1x1, 3x3 and 1x1."""
    outputs = width * wide
    if wide == 1:
        layers = [*conv(inputs, width, 3, stride), nn.ReLU(inplace=True), *conv(width, width, 3)]
    else:
        layers = [*conv(inputs, width, 1), nn.ReLU(inplace=True), *conv(width, width, 3, stride)]
        layers += [nn.ReLU(inplace=True), *conv(width, outputs, 1)]
    same = stride == 1 and inputs == outputs
    return Unit(nn.Sequential(*layers), nn.Identity() if same else nn.Sequential(*conv(inputs, outputs, 1, stride)))


def resnet(stem: list[nn.Module], units: tuple[int, ...], wide: int) -> nn.Module:
    """Stem, four stages, mean over the pixels, dense."""
    layers, inputs = [*stem], 64
    for stage, count in enumerate(units):
        for place in range(count):
            stride = 2 if stage and not place else 1
            layers.append(unit(inputs, 64 << stage, stride, wide))
            inputs = (64 << stage) * wide
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model


def resnet18() -> nn.Module:
    """ResNet-18 for pictures of 32x32: the stem is one 3x3 convolution and nothing is pooled."""
    return resnet([*conv(3, 64, 3), nn.ReLU(inplace=True)], (2, 2, 2, 2), 1)


def resnet50() -> nn.Module:
    """ResNet-50, the stride in the 3x3 convolutions."""
    return resnet([*conv(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], (3, 4, 6, 3), 4)


class Letters(nn.Module):
    """Two layers of LSTM; logits as PyTorch's loss takes them, (B, V, T)."""

    def __init__(self, size: int):
        super().__init__()
        self.embed = nn.Embedding(size, 64)
        self.lstm = nn.LSTM(64, 512, 2, batch_first=True)
        self.out = nn.Linear(512, size)

    def forward(self, letters: Tensor) -> Tensor:
        return self.out(self.lstm(self.embed(letters))[0]).transpose(1, 2)


def char_lm() -> nn.Module:
    """What letter comes next."""
    return Letters(len(LETTERS) + MARKS)


NETS = {
    **{"mlp": mlp, "lenet5": lenet5, "resnet18": resnet18, "alexnet": alexnet, "resnet50": resnet50},
    "char_lm": char_lm,
}


def count(model: nn.Module) -> int:
    """Numbers that are learned."""
    return sum(parameter.numel() for parameter in model.parameters())
