"""Residual networks trained on ImageNet: tv as in 2015, a1 with a modern recipe (arXiv:2110.00476).

The files are those of the Hugging Face hub, timm/NAME/model.safetensors.
"""

from deepglass.weights.entry import Preprocessing, PublicWeights


def _tv(model: str, sha256: str = "") -> PublicWeights:
    return PublicWeights(model=model, repo=f"timm/{model}.tv_in1k", sha256=sha256, licence="BSD-3-Clause")


def _a1(model: str, sha256: str = "") -> PublicWeights:
    return PublicWeights(
        model=model,
        repo=f"timm/{model}.a1_in1k",
        sha256=sha256,
        licence="Apache-2.0",
        preprocessing=Preprocessing(smooth="bicubic"),
    )


CATALOGUE = {
    "resnet18.a1_in1k": _a1("resnet18", "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612"),
    "resnet18.tv_in1k": _tv("resnet18", "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81"),
    "resnet34.a1_in1k": _a1("resnet34"),
    "resnet34.tv_in1k": _tv("resnet34"),
    "resnet50.a1_in1k": _a1("resnet50", "773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb"),
    "resnet50.tv_in1k": _tv("resnet50", "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888"),
    "resnet101.a1_in1k": _a1("resnet101", "1ba5b660e7c175b3c27c557fc7dc8b2815be830c516815b0155f61b403f27380"),
    "resnet101.tv_in1k": _tv("resnet101"),
    "resnet152.a1_in1k": _a1("resnet152"),
    "resnet152.tv_in1k": _tv("resnet152", "15897077afdf4d6334dc0c3f8e6fb483afb3faa9298c139f3c6eb29bca6ae5b2"),
}
