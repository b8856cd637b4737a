"""AlexNet in one tower, trained on ImageNet: 56.5 % of the validation pictures right at first guess."""

from deepglass.weights.entry import PublicWeights

CATALOGUE = {
    "alexnet.tv_in1k": PublicWeights(
        model="alexnet",
        file="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        sha256="7be5be79",
        licence="BSD-3-Clause",
    ),
}
