"""What a file is by its first bytes, whatever its name says."""

PICTURES = (  # format, where its mark stands, the mark
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("WEBP", 8, b"WEBP"),
    ("BMP", 0, b"BM"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("TIFF", 0, b"II+\0"),
    ("TIFF", 0, b"MM\0+"),
    *(
        ("PPM", 0, b"P" + kind + space)
        for kind in (b"1", b"2", b"3", b"4", b"5", b"6")
        for space in (b"\n", b" ", b"\r")
    ),
)
FOREIGN = (  # the sentence that says what to do, the format, where its mark stands, the mark
    ("is_other_picture", "HEIC", 4, b"ftypheic"),
    ("is_other_picture", "HEIC", 4, b"ftypheix"),
    ("is_other_picture", "HEIC", 4, b"ftypmif1"),
    ("is_other_picture", "HEIC", 4, b"ftypmsf1"),
    ("is_other_picture", "AVIF", 4, b"ftypavif"),
    ("is_other_picture", "AVIF", 4, b"ftypavis"),
    ("is_other_picture", "JPEG 2000", 4, b"jP  \r\n"),
    ("is_other_picture", "JPEG XL", 0, b"\xff\x0a"),
    ("is_other_picture", "JPEG XL", 4, b"JXL \r\n"),
    ("is_other_picture", "Photoshop", 0, b"8BPS"),
    ("is_other_picture", "ICO", 0, b"\0\0\1\0"),
    ("is_other_picture", "OpenEXR", 0, b"\x76\x2f\x31\x01"),
    ("is_other_picture", "Radiance HDR", 0, b"#?RADIANCE"),
    ("is_other_picture", "DDS", 0, b"DDS "),
    ("is_other_picture", "DICOM", 128, b"DICM"),
    ("is_drawing", "PDF", 0, b"%PDF"),
    ("is_drawing", "PostScript", 0, b"%!PS"),
    ("is_archive", "zip", 0, b"PK\x03\x04"),
    ("is_archive", "gzip", 0, b"\x1f\x8b"),
    ("is_archive", "7z", 0, b"7z\xbc\xaf\x27\x1c"),
    ("is_archive", "rar", 0, b"Rar!"),
    ("is_archive", "xz", 0, b"\xfd7zXZ"),
    ("is_archive", "bzip2", 0, b"BZh"),
    ("is_archive", "tar", 257, b"ustar"),
    ("is_film", "WAV", 8, b"WAVE"),
    ("is_film", "AVI", 8, b"AVI "),
    ("is_film", "MP3", 0, b"ID3"),
    ("is_film", "Ogg", 0, b"OggS"),
    ("is_film", "Matroska", 0, b"\x1a\x45\xdf\xa3"),
    ("is_film", "MP4", 4, b"ftyp"),
    ("is_drawing", "SVG", 0, b"<svg"),
)
SOUNDS = (  # sound formats that are read, where their mark stands, the mark
    ("WAV", 8, b"WAVE"),
    ("FLAC", 0, b"fLaC"),
    ("OGG", 0, b"OggS"),
    ("MP3", 0, b"ID3"),
    *(("MP3", 0, b"\xff" + kind) for kind in (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xe3", b"\xe2")),
    ("AIFF", 8, b"AIFF"),
    ("AIFF", 8, b"AIFC"),
    ("AU", 0, b".snd"),
)
OTHER_SOUNDS = (  # sounds that are not read
    ("M4A", 4, b"ftypM4A"),
    ("AAC", 0, b"\xff\xf1"),
    ("AAC", 0, b"\xff\xf9"),
    ("WMA", 0, b"\x30\x26\xb2\x75"),
    ("AMR", 0, b"#!AMR"),
    ("MIDI", 0, b"MThd"),
    ("Core Audio", 0, b"caff"),
    ("Monkey's Audio", 0, b"MAC "),
    ("WavPack", 0, b"wvpk"),
)
VIDEOS = (  # video formats that are read, where their mark stands, the mark
    ("MP4", 4, b"ftyp"),
    *(("MP4", 4, box) for box in (b"moov", b"mdat", b"wide", b"free", b"skip")),
    ("Matroska", 0, b"\x1a\x45\xdf\xa3"),
    ("AVI", 8, b"AVI "),
    ("MPEG", 0, b"\0\0\1\xba"),
    ("Ogg", 0, b"OggS"),
    ("FLV", 0, b"FLV\1"),
    ("WMV", 0, b"\x30\x26\xb2\x75"),
)
PLAYLISTS = (b"#EXTM3U", b'<?xml version="1.0" encoding="utf-8"?>\n<MPD', b"<MPD", b"ffconcat version", b"[playlist]")
PACKET = 188  # bytes of an MPEG-TS packet; each begins with a G, in some files behind a time of 4 bytes
ENOUGH = 512  # bytes from the start that hold every mark


def picture_format(start: bytes) -> str:
    """The name of a picture format that is read ("JPEG", "PNG" ...), or nothing."""
    return next((name for name, place, mark in PICTURES if start[place : place + len(mark)] == mark), "")


def sound_format(start: bytes) -> str:
    """The name of a sound format that is read ("WAV", "MP3" ...), or nothing."""
    return next((name for name, place, mark in SOUNDS if start[place : place + len(mark)] == mark), "")


def video_format(start: bytes) -> str:
    """The name of a video format that is read ("MP4", "Matroska" ...), or nothing."""
    if start[::PACKET][:2] == b"GG" or start[4 :: PACKET + 4][:2] == b"GG":
        return "MPEG-TS"
    if foreign(start)[0] == "is_other_picture":  # HEIC and AVIF are boxes as an MP4 is
        return ""
    return next((name for name, place, mark in VIDEOS if start[place : place + len(mark)] == mark), "")


def no_video(start: bytes) -> tuple[str, str]:
    """What a file is that was taken for a video: (key of the sentence that names it, the format's own name)."""
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(PLAYLISTS):
        return "video_playlist", ""
    if sound := sound_format(start):
        return "video_sound", sound
    key, name = foreign(start)
    if (picture := picture_format(start)) or key == "is_other_picture":
        return "video_picture", picture or name
    return (key if key == "is_zeros" else f"video_{key.removeprefix('is_')}"), name


def no_sound(start: bytes) -> tuple[str, str]:
    """What a file is that was taken for a sound: (key of the sentence that names it, the format's own name)."""
    for name, place, mark in OTHER_SOUNDS:
        if start[place : place + len(mark)] == mark:
            return "sound_other", name
    key, name = foreign(start)
    if (picture := picture_format(start)) or key == "is_other_picture":
        return "sound_picture", picture or name
    return (key if key == "is_zeros" else f"sound_{key.removeprefix('is_')}"), name


def foreign(start: bytes) -> tuple[str, str]:
    """What else a file is: (key of the sentence that names it, the format's own name)."""
    for key, name, place, mark in FOREIGN:
        if start[place : place + len(mark)] == mark:
            return key, name
    if not start.strip(b"\0"):
        return "is_zeros", ""
    return _writing(start)


def _writing(start: bytes) -> tuple[str, str]:
    text = start.decode("utf-8", errors="replace").lstrip("\ufeff").lstrip().lower()
    if "<svg" in text:
        return "is_drawing", "SVG"
    if text.startswith(("<!doctype html", "<html")):
        return "is_web_page", "HTML"
    odd = sum(not (letter.isprintable() or letter.isspace()) or letter == "\ufffd" for letter in text)
    return ("is_text", "") if odd <= 1 else ("is_unknown", "")  # a cut letter at the end is no reason to doubt
