"""The families that are killed: each a run of a few seconds that leans on another part of the state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.bundle import Own
from deepglass.data.augment.clips import ClipAugment
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.augment.scenes import SceneAugment
from deepglass.data.augment.series import SeriesAugment
from deepglass.data.augment.sound import SoundAugment
from deepglass.data.augment.street import StreetAugment
from deepglass.data.augment.volumes import VolumeAugment
from deepglass.data.features import SoundFeatures
from deepglass.data.settings import DataSettings
from deepglass.data.tiles import TileSettings
from deepglass.data.vocabulary import VocabularySettings
from deepglass.engine.settings import TrainSettings
from deepglass.foundation.settings import Choice
from deepglass.networks import EXTERNAL, ExternalConfig, choose_model
from deepglass.run import RunSettings
from deepglass.tasks.caption import CaptionSettings
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.cloze import ClozeSettings
from deepglass.tasks.detect import DetectSettings
from deepglass.tasks.embed import EmbedSettings
from deepglass.tasks.forecast import ForecastSettings
from deepglass.tasks.generate_images import GenerateImagesSettings
from deepglass.tasks.generate_series import GenerateSeriesSettings
from deepglass.tasks.generate_text import GenerateTextSettings
from deepglass.tasks.image_to_image import ImageToImageSettings
from deepglass.tasks.kinds.clip import ClipSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.kinds.sound import SoundSettings
from deepglass.tasks.kinds.text import TextSettings
from deepglass.tasks.kinds.volume import VolumeSettings
from deepglass.tasks.read_plates import ReadPlatesSettings
from deepglass.tasks.read_text import ReadTextSettings
from deepglass.tasks.segment import SegmentSettings
from deepglass.tasks.semi_supervised import SemiSupervisedSettings
from deepglass.tasks.tag import TagSettings
from deepglass.tasks.tag_video import TagVideoSettings
from deepglass.tasks.transcribe import TranscribeSettings
from deepglass.tasks.translate import TranslateSettings
from deepglass.tasks.turn_faces import TurnFacesSettings
from tests.kill.digits_gan import DigitsGAN, DigitsNetworks, WaryGAN

MOVED = PictureAugment(rotate=10, shift=0.1, scale=0.1, mixup=0.4)
COLOURED = PictureAugment(flip=True, crop_pad=2, erase=0.5, cutmix=1.0)
WORDS = TextSettings(vocabulary=VocabularySettings(least=1, lines=True), drop=0.1)
LETTERS = TextSettings(vocabulary=VocabularySettings(level="characters"), drop=0.1)
HEARD = SoundSettings(
    features=SoundFeatures(rate=8000, bands=16),
    augment=SoundAugment(speed=0.1, shift=0.05, gain=6, noise=0.5, time_masks=1, band_masks=1),
)
BENT = SeriesSettings(augment=SeriesAugment(scale=0.1, shift=0.1, noise=0.1, warp=0.1, drop=0.1))
CUT = PictureSettings(size=24, augment=PictureAugment(flip=True, alternate=True, resize_crop=0.5, rotate=10))
TURNED = VolumeSettings(augment=VolumeAugment(flip="all", turn=15, zoom=0.1, move=0.1, scale=0.1, level=0.1, noise=0.1))
LINES = PictureSettings(fit="pad", augment=PictureAugment(rotate=2, shear=4, brightness=0.3, invert=0.2))
SEEN = StreetAugment(zoom_in=1.3, zoom_out=1.3, turn=5, jitter=0.1)
TOLD_OF = PictureSettings(fit="stretch", augment=PictureAugment(crop_pad=2, brightness=0.2))
WINDOW = PictureSettings(size=96, fit="pad", augment=PictureAugment(brightness=0.3, hue=0.02))
MOVED_CLIPS = ClipSettings(
    sees="both", size=16, frames=6, augment=ClipAugment(flip=True, crop_pad=2, brightness=0.2, contrast=0.2)
)
KEPT = DataSettings(cache=False)
COMMON = TrainSettings(plan="plain", check_epochs=0.5, average=0.9, clip=5.0)


class SmallNetwork(nn.Module):
    """image (B, 1, 32, 32) -> two convolutions, dropout -> logits (B, 10)"""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.maps = nn.Sequential(
            *(nn.Conv2d(1, 6, 5, stride=2), nn.ReLU(), nn.Conv2d(6, 12, 3, stride=2), nn.ReLU(), nn.Dropout2d(0.2))
        )
        self.digit = nn.Sequential(nn.Flatten(), nn.Linear(432, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10))

    def forward(self, image: Tensor) -> Tensor:
        return self.digit(self.maps(image))


@dataclass(frozen=True)
class Family:
    """One run: what it leans on, and its settings beside those all families share."""

    says: str
    train: TrainSettings
    model: str = EXTERNAL
    network: type[nn.Module] | None = None
    task: type | None = None
    picture: PictureSettings = PictureSettings(size=32, augment=MOVED)
    file: str = "digits.npz"
    data: DataSettings = KEPT
    compiled: bool = False
    asks: Any = None  # the task's settings, by its name in the catalogue, where it is not to classify pictures
    sized: Mapping[str, Any] = field(default_factory=dict)  # settings of the model
    kills: int = 10  # in `make test`: fewer where the engine is leaned on as another family leans on it

    def own(self) -> Own:
        """The parts handed in, as they are at the start of every life."""
        return Own(self.network() if self.network else None, self.task() if self.task else None)

    def settings(self, folder: Path) -> RunSettings:
        """The whole run's settings; the data lie in `folder`."""
        asks = self.asks or Choice("tasks", "classify", ClassifySettings(picture=self.picture, smoothing=0.1))
        model = choose_model(self.model)
        return RunSettings(
            seed=11,
            data=replace(self.data, place=str(folder / self.file)),
            task=Choice("tasks", EXTERNAL, ExternalConfig()) if self.task else asks,
            model=replace(model, settings=replace(model.settings, **self.sized)),
            train=replace(self.train, plan=str(folder / "compiled.json")) if self.compiled else self.train,
        )


FAMILIES = {
    "cnn": Family(
        "CNN with dropout, augmentation, mixup, averaged weights",
        replace(COMMON, steps=48, batch=20, lr=3e-3, schedule="onecycle"),
        network=SmallNetwork,
    ),
    "resnet": Family(
        "ResNet-20 with BatchNorm in bf16, cutmix, SGD",
        replace(COMMON, steps=18, batch=12, lr=0.05, optimizer="sgd", precision="bf16"),
        "resnet20",
        picture=PictureSettings(size=16, augment=COLOURED),
        file="colours.npz",
    ),
    "gan": Family(
        "GAN: two optimizers and schedules, lazy R1, averages, a pool",
        replace(COMMON, steps=40, batch=20, lr=4e-3, schedule="cosine"),
        network=DigitsNetworks,
        task=DigitsGAN,
    ),
    "setbacks": Family(
        "the same game, taken back from its second check to its first one, three times",
        replace(COMMON, steps=40, batch=20, lr=8e-3, schedule="constant", rollback=3),
        network=DigitsNetworks,
        task=WaryGAN,
        kills=4,
    ),
    "shards": Family(
        "accumulation over 3 shards, Muon, rate by plateaus, balanced classes",
        replace(COMMON, steps=36, batch=25, lr=0.01, optimizer="muon", shards=3, schedule="plateau", plateau=1),
        "lenet5",
        data=DataSettings(cache=False, sampling="balanced"),
    ),
    "folds": Family(
        "3 folds and the refit on all data",
        replace(COMMON, steps=18, batch=20, lr=3e-3, check_epochs=1.0),
        network=SmallNetwork,
        data=DataSettings(cache=False, folds=3),
    ),
    "patience": Family(
        "early stopping: the run ends by itself",
        replace(COMMON, steps=400, batch=20, lr=0.02, schedule="constant", patience=4),
        network=SmallNetwork,
    ),
    "language": Family(
        "LSTM over words: rows of unequal length, dropout on weights and vectors, words lost",
        replace(COMMON, steps=30, batch=6, lr=3e-3),
        "word_lm",
        data=DataSettings(cache=False, passage=60),
        file="text.txt",
        asks=Choice("tasks", "generate_text", GenerateTextSettings(text=WORDS)),
        sized={"features": 12, "hidden": 16, "layers": 2},
    ),
    "transcribe": Family(
        "speech: CTC, sounds sped, moved, masked and under noise, an n-gram model, BatchNorm over steps",
        replace(COMMON, steps=24, batch=6, lr=3e-3, schedule="onecycle"),
        "ctc_speech",
        file="speech",
        asks=Choice("tasks", "transcribe", TranscribeSettings(beam=3, order=3, sound=HEARD)),
        sized={"channels": 3, "hidden": 8, "layers": 1},
        kills=2,
    ),
    "translate": Family(
        "a reader and a writer with attention, letters lost, checked under teacher forcing",
        replace(COMMON, steps=24, batch=8, lr=3e-3),
        "seq2seq",
        file="pairs.tsv",
        asks=Choice("tasks", "translate", TranslateSettings(text=LETTERS)),
        sized={"features": 8, "hidden": 12},
        kills=2,
    ),
    "caption": Family(
        "sentences about pictures, one of several drawn, by a small ResNet and a writer that looks, two shards",
        replace(COMMON, steps=20, batch=6, lr=3e-3, shards=2),
        "caption_lstm",
        file="told",
        asks=Choice("tasks", "caption", CaptionSettings(vocabulary=VocabularySettings(least=1), picture=TOLD_OF)),
        sized={"stem": 4, "memory": 8, "features": 6, "hidden": 8, "height": 32, "width": 32},
        kills=2,
    ),
    "cloze": Family(
        "LSTMs from both sides of a blank",
        replace(COMMON, steps=24, batch=6, lr=3e-3),
        "cloze_bilstm",
        data=replace(KEPT, passage=60),
        file="text.txt",
        asks=Choice("tasks", "cloze", ClozeSettings(text=WORDS)),
        sized={"features": 8, "hidden": 8},
        kills=2,
    ),
    "texts": Family(
        "topics by an LSTM, words lost, balanced classes",
        replace(COMMON, steps=24, batch=8, lr=3e-3, shards=2),
        "text_lstm",
        data=replace(KEPT, sampling="balanced"),
        file="topics.tsv",
        asks=Choice("tasks", "classify", ClassifySettings(text=WORDS)),
        sized={"features": 8, "hidden": 8},
        kills=2,
    ),
    "bag": Family(
        "topics by a weighted bag of words, which begins from the training part's counts",
        replace(COMMON, steps=24, batch=8, lr=1.0, optimizer="sgd", schedule="linear"),
        "text_bag",
        file="topics.tsv",
        asks=Choice("tasks", "classify", ClassifySettings(text=WORDS)),
        kills=2,
    ),
    "series": Family(
        "waves of unequal length by InceptionTime, bent and cut",
        replace(COMMON, steps=24, batch=8, lr=3e-3),
        "series_cnn",
        file="waves.ts",
        asks=Choice("tasks", "classify", ClassifySettings(series=BENT)),
        sized={"depth": 2, "filters": 4, "kernels": (9, 5, 3), "dropout": 0.2},
        kills=2,
    ),
    "tag": Family(
        "a tag for every token by an LSTM from both ends, tokens lost",
        replace(COMMON, steps=24, batch=6, lr=3e-3),
        "tagger_lstm",
        file="sums.conll",
        asks=Choice("tasks", "tag", TagSettings(text=replace(TagSettings().text, drop=0.2))),
        sized={"features": 8, "hidden": 8},
        kills=2,
    ),
    "forecast": Family(
        "the next four hours by dense layers over the last twelve",
        replace(COMMON, steps=24, batch=8, lr=3e-3),
        "series_dense",
        data=replace(KEPT, history=12, horizon=4, season=6),
        file="load.csv",
        asks=Choice("tasks", "forecast", ForecastSettings()),
        sized={"steps": 12, "hidden": 8},
        kills=2,
    ),
    "detect": Family(
        "boxes by a detector on a small ResNet with BatchNorm, zoomed, mirrored and put together",
        replace(COMMON, steps=20, batch=6, lr=2e-3),
        "fcos",
        file="boxes",
        asks=Choice(
            "tasks",
            "detect",
            DetectSettings(
                scene=SceneAugment(flip=True, zoom_in=0.7, zoom_out=1.3, mosaic=0.5),
                picture=PictureSettings(size=64, fit="pad"),
            ),
        ),
        sized={"backbone": "resnet18", "stem": 8, "features": 16, "depth": 1},
        kills=2,
    ),
    "read_text": Family(
        "lines of text by convolutions and an LSTM, turned and dimmed, CTC behind a flat start",
        replace(COMMON, steps=24, batch=6, lr=3e-3),
        "crnn",
        file="lines",
        asks=Choice("tasks", "read_text", ReadTextSettings(flat=10, picture=LINES)),
        sized={"maps": 3, "hidden": 6, "width": 64},
        kills=2,
    ),
    "read_plates": Family(
        "plates by a finder and a reader in turns, pictures of two sizes zoomed and turned, corners moved",
        replace(COMMON, steps=20, batch=6, lr=2e-3, shards=2),
        "plate_net",
        file="street",
        asks=Choice("tasks", "read_plates", ReadPlatesSettings(confidence=0.0, flat=8, street=SEEN, picture=WINDOW)),
        sized={"widths": (4, 6, 8, 8, 8), "maps": 3, "hidden": 6},
        kills=2,
    ),
    "sounds": Family(
        "tones by convolutions over the spectrum, sped, moved, masked and under noise",
        replace(COMMON, steps=24, batch=8, lr=3e-3, schedule="onecycle"),
        "audio_cnn",
        file="tones",
        asks=Choice("tasks", "classify", ClassifySettings(sound=HEARD)),
        sized={"maps": (4, 8)},
        kills=2,
    ),
    "clips": Family(
        "which way a square goes by a CNN with an LSTM, clips begun anywhere, mirrored, cut and lit, BatchNorm",
        replace(COMMON, steps=24, batch=6, lr=3e-3),
        "cnn_lstm",
        file="ways",
        asks=Choice("tasks", "classify", ClassifySettings(clip=MOVED_CLIPS)),
        sized={"widths": (4, 6), "features": 8, "hidden": 6, "grid": 2},
        kills=2,
    ),
    "tag_video": Family(
        "what is in a video when, frame by frame over windows, two shards",
        replace(COMMON, steps=24, batch=6, lr=3e-3, shards=2),
        "cnn_lstm",
        file="moments",
        asks=Choice("tasks", "tag_video", TagVideoSettings(clip=replace(MOVED_CLIPS, fit="stretch"))),
        sized={"widths": (4, 6), "features": 8, "hidden": 6, "grid": 2},
        kills=2,
    ),
    "segment": Family(
        "every pixel by a U-Net, pictures and masks cut, turned and mirrored alike, focal and Dice losses, two shards",
        replace(COMMON, steps=24, batch=6, lr=3e-3, schedule="onecycle", shards=2),
        "unet_small",
        file="masks",
        asks=Choice("tasks", "segment", SegmentSettings(loss="focal", dice=0.5, class_weights="balanced", picture=CUT)),
        sized={"widths": (4, 6, 8)},
        kills=2,
    ),
    "generate_images": Family(
        "two players told the class, R1 every third step, averaged weights, two shards",
        replace(COMMON, steps=24, batch=12, lr=2e-3, momentum=0.5, shards=2),
        "cgan",
        asks=Choice(
            "tasks",
            "generate_images",
            GenerateImagesSettings(latent=8, by_class=True, slope=0.5, slope_every=3, picture=PictureSettings(size=28)),
        ),
        sized={"features": 4, "embedding": 4},
        kills=2,
    ),
    "generate_series": Family(
        "two LSTMs that take turns over series of unequal length, told the class; noise, numbers by keys, two shards",
        replace(COMMON, steps=24, batch=12, lr=2e-3, momentum=0.5, shards=2),
        "series_gan",
        file="waves.ts",
        asks=Choice(
            "tasks",
            "generate_series",
            GenerateSeriesSettings(
                **{"latent": 6, "kept": 3, "by_class": True, "noise": 0.2, "discriminator_rate": 0.5},
                series=SeriesSettings(augment=SeriesAugment(scale=0.1, warp=0.1)),
            ),
        ),
        sized={"hidden": 6, "judged": 6, "layers": 2},
        kills=2,
    ),
    "image_to_image": Family(
        "two translators and two judges on two streams, a pool of pictures of before that is soon full, falling rates",
        replace(COMMON, steps=20, batch=4, lr=1e-3, momentum=0.5, schedule="constant", shards=2, check_epochs=1.0),
        "cyclegan_small",
        file="sides",
        asks=Choice(
            "tasks",
            "image_to_image",
            ImageToImageSettings(history=4, picture=PictureSettings(size=16, augment=PictureAugment(flip=True))),
        ),
        sized={"blocks": 1, "features": 2, "judged": 2, "layers": 1},
        kills=2,
    ),
    "pairs": Family(
        "a U-Net and a judge of pairs, both pictures of a pair mirrored and turned alike, falling rates",
        replace(COMMON, steps=20, batch=6, lr=1e-3, momentum=0.5, schedule="constant", shards=2),
        "pix2pix_small",
        file="pairs",
        data=replace(KEPT, layout="pairs"),
        asks=Choice(
            "tasks",
            "image_to_image",
            ImageToImageSettings(
                game="non_saturating",
                picture=PictureSettings(size=16, augment=PictureAugment(flip=True, rotate=10)),
            ),
        ),
        sized={"halvings": 3, "features": 2, "judged": 2, "layers": 1},
        kills=2,
    ),
    "semi_supervised": Family(
        "few labels and many pictures without, two streams, dropout, a generator that matches features, two shards",
        replace(COMMON, steps=24, batch=8, lr=2e-3, momentum=0.5, schedule="linear", shards=2),
        "semi_gan",
        file="few",
        asks=Choice(
            "tasks",
            "semi_supervised",
            SemiSupervisedSettings(
                latent=8, labelled=0.5, picture=PictureSettings(size=28, augment=PictureAugment(rotate=10, shift=0.1))
            ),
        ),
        sized={"features": 4},
        kills=2,
    ),
    "stylegan2": Family(
        "styles mixed, evened and with noise, by keys; lazy R1, pictures changed with an adapted chance, two shards",
        replace(COMMON, steps=24, batch=8, lr=2e-3, momentum=0.0, shards=2),
        "stylegan2",
        asks=Choice(
            "tasks",
            "generate_images",
            GenerateImagesSettings(
                **{"latent": 8, "slope": 1.0, "slope_every": 3, "path": 2.0, "path_every": 2, "mixing": 0.9},
                **{"adaptive": 0.5, "adaptive_over": 60, "discriminator_rate": 1.5},
                picture=PictureSettings(size=16),
            ),
        ),
        sized={"style": 8, "depth": 2, "base": 64, "most": 4},
        kills=2,
    ),
    "biggan": Family(
        "hinge, spectral norm, class-conditional BatchNorm, attention; rates of the two players apart, two shards",
        replace(COMMON, steps=20, batch=12, lr=2e-4, momentum=0.0, shards=2),
        "biggan",
        asks=Choice(
            "tasks",
            "generate_images",
            GenerateImagesSettings(
                **{"latent": 8, "by_class": True, "game": "hinge", "discriminator_rate": 4.0},
                picture=PictureSettings(size=32),
            ),
        ),
        sized={"features": 2, "shared": 4, "attention": 16},
        kills=2,
    ),
    "turn_faces": Family(
        "a turner and a judge of people, pairs and poses by keys, dropout, three of a person together, two shards",
        replace(COMMON, steps=20, batch=12, lr=2e-3, momentum=0.5, schedule="linear", shards=2),
        "turn_gan",
        file="patterns",
        data=replace(KEPT, split="classes", sampling="balanced", together=3),
        asks=Choice("tasks", "turn_faces", TurnFacesSettings(strip=2, enrolled=2, picture=PictureSettings(size=16))),
        sized={"features": 2},
        kills=2,
    ),
    "embed": Family(
        "vectors by a small ResNet, proxies that the task learns, four of a class together, two shards",
        replace(COMMON, steps=18, batch=16, lr=3e-3, shards=2),
        "resnet20",
        file="patterns",
        data=replace(KEPT, split="classes", sampling="balanced", together=4),
        asks=Choice(
            "tasks",
            "embed",
            EmbedSettings(
                dimension=8,
                picture=PictureSettings(size=16, augment=PictureAugment(rotate=10, shift=0.1, brightness=0.2)),
            ),
        ),
        kills=2,
    ),
    "volumes": Family(
        "scans by a residual network in (2+1)D, turned, moved, lighter and under noise, balanced weights",
        replace(COMMON, steps=16, batch=6, lr=3e-3, schedule="onecycle"),
        "resnet2p1d18",
        file="scans",
        asks=Choice("tasks", "classify", ClassifySettings(class_weights="balanced", volume=TURNED)),
        sized={"stem": 2, "units": (1, 1, 1, 1), "depth": 8, "height": 16, "width": 16},
        kills=2,
    ),
    "volume_masks": Family(
        "every place of a volume by a 3D U-Net, parts drawn and turned with their masks, windows that overlap",
        replace(COMMON, steps=12, batch=3, lr=3e-3),
        "unet3d_small",
        file="bodies",
        asks=Choice("tasks", "segment", SegmentSettings(dice=1.0, volume=TURNED)),
        sized={"widths": (2, 4), "depth": 4, "height": 12, "width": 12},
        kills=2,
    ),
    "volume_balls": Family(
        "what is where in a volume, parts drawn around it and mirrored with the maps that are to be told",
        replace(COMMON, steps=12, batch=3, lr=3e-3),
        "unet3d_small",
        file="balls",
        asks=Choice(
            "tasks", "detect", DetectSettings(volume=VolumeSettings(augment=VolumeAugment(flip="all", level=0.1)))
        ),
        sized={"widths": (2, 4), "depth": 4, "height": 12, "width": 12},
        kills=2,
    ),
    "tiles": Family(
        "every pixel of pictures larger than the network looks at, of which parts are cut at random and mirrored",
        replace(COMMON, steps=24, batch=6, lr=3e-3),
        "unet_small",
        file="masks",
        asks=Choice(
            "tasks",
            "segment",
            SegmentSettings(
                dice=0.5,
                tiles=TileSettings(cut=True),
                picture=PictureSettings(size=16, fit="pad", augment=PictureAugment(flip=True)),
            ),
        ),
        sized={"widths": (4, 6, 8)},
        kills=2,
    ),
    "compiled": Family(
        "compiled by inductor, with dropout, the plan pinned",
        replace(COMMON, steps=48, batch=20, lr=3e-3),
        network=SmallNetwork,
        compiled=True,
    ),
}
