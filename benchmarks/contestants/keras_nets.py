"""The six networks in Keras, as its guides write them; normalisation has the constants of PyTorch's."""

import keras
from keras import layers
from rows import LETTERS, MARKS

AXIS = {"channels_last": -1, "channels_first": 1}


def shape(side: int, channels: int) -> tuple[int, int, int]:
    """A picture's shape in the data format that is set."""
    first = keras.config.image_data_format() == "channels_first"
    return (channels, side, side) if first else (side, side, channels)


def mlp() -> keras.Model:
    dense = [layers.Dense(512, "relu"), layers.Dense(256, "relu"), layers.Dense(10, dtype="float32")]
    return keras.Sequential([keras.Input(shape(28, 1)), layers.Flatten(), *dense])


def lenet5() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(shape(28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, "tanh"),
            layers.Dense(84, "tanh"),
            layers.Dense(10, dtype="float32"),
        ]
    )


def alexnet() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(shape(224, 3)),
            layers.ZeroPadding2D(2),
            layers.Conv2D(64, 11, 4, activation="relu"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(192, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(384, 3, padding="same", activation="relu"),
            layers.Conv2D(256, 3, padding="same", activation="relu"),
            layers.Conv2D(256, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(3, 2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(4096, "relu"),
            layers.Dropout(0.5),
            layers.Dense(4096, "relu"),
            layers.Dense(10, dtype="float32"),
        ]
    )


def conv(x, outputs: int, kernel: int, stride: int = 1, relu: bool = True):
    """A convolution without bias, its normalisation, a rectifier; padded as PyTorch pads."""
    if stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
    padding = "valid" if stride > 1 else "same"
    start = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    x = layers.Conv2D(outputs, kernel, stride, padding, use_bias=False, kernel_initializer=start)(x)
    axis = AXIS[keras.config.image_data_format()]
    x = layers.BatchNormalization(axis, momentum=0.9, epsilon=1e-5)(x)
    return layers.ReLU()(x) if relu else x


def resnet(inputs, x, units: tuple[int, ...], wide: int) -> keras.Model:
    """Four stages after the stem, mean over the pixels, dense."""
    axis = AXIS[keras.config.image_data_format()]
    for stage, count in enumerate(units):
        width = 64 << stage
        for place in range(count):
            stride = 2 if stage and not place else 1
            if wide == 1:
                branch = conv(conv(x, width, 3, stride), width, 3, relu=False)
            else:
                branch = conv(conv(conv(x, width, 1), width, 3, stride), width * wide, 1, relu=False)
            same = stride == 1 and x.shape[axis] == width * wide
            shortcut = x if same else conv(x, width * wide, 1, stride, relu=False)
            x = layers.ReLU()(layers.Add()([branch, shortcut]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, dtype="float32")(x))


def resnet18() -> keras.Model:
    inputs = keras.Input(shape(32, 3))
    return resnet(inputs, conv(inputs, 64, 3), (2, 2, 2, 2), 1)


def resnet50() -> keras.Model:
    inputs = keras.Input(shape(224, 3))
    x = layers.ZeroPadding2D(1)(conv(inputs, 64, 7, 2))
    return resnet(inputs, layers.MaxPooling2D(3, 2)(x), (3, 4, 6, 3), 4)


def char_lm() -> keras.Model:
    size = len(LETTERS) + MARKS
    stack = [layers.LSTM(512, return_sequences=True) for _ in range(2)]
    return keras.Sequential(
        [keras.Input((250,)), layers.Embedding(size, 64), *stack, layers.Dense(size, dtype="float32")]
    )


NETS = {
    **{"mlp": mlp, "lenet5": lenet5, "resnet18": resnet18, "alexnet": alexnet, "resnet50": resnet50},
    "char_lm": char_lm,
}
