"""Values of `nvidia-smi -q -x`: what its words mean, and what its numbers measure."""

import re

# Words for "there is no such thing here": the call answers NOT_SUPPORTED.
ABSENT = {"", "n/a", "none", "not supported", "not available", "unavailable"}

# Words for a return code of NVML.
CODES = {
    "gpu is lost": "GPU_IS_LOST",
    "requested functionality has been deprecated": "DEPRECATED",
    "deprecated": "DEPRECATED",
    "insufficient permissions": "NO_PERMISSION",
    "no permission": "NO_PERMISSION",
    "unknown error": "UNKNOWN",
    "unknown": "UNKNOWN",
    "err!": "UNKNOWN",
    "error": "UNKNOWN",
    "not found": "NOT_FOUND",
    "function not found": "FUNCTION_NOT_FOUND",
    "gpu requires reset": "RESET_REQUIRED",
    "gpu requires restart": "RESET_REQUIRED",
    "reset required": "RESET_REQUIRED",
    "insufficient external power": "INSUFFICIENT_POWER",
    "corrupted inforom": "CORRUPTED_INFOROM",
    "driver not loaded": "DRIVER_NOT_LOADED",
    "timeout": "TIMEOUT",
    "in use by another client": "IN_USE",
    "insufficient memory": "MEMORY",
    "no data": "NO_DATA",
    "not ready": "NOT_READY",
    "system is not in ready state": "NOT_READY",
    "gpu access blocked by the operating system": "OPERATING_SYSTEM",
    "driver/library version mismatch": "LIB_RM_VERSION_MISMATCH",
    "invalid frequency": "FREQ_NOT_SUPPORTED",
    "uninitialized": "UNINITIALIZED",
}

# What a unit multiplies a number by to reach the one that the file wants.
UNITS = {
    "": 1, "%": 1, "x": 1, "C": 1, "F": 1, "us": 1, "ms": 1, "MHz": 1, "bank(s)": 1,
    "B": 1, "KiB": 1 << 10, "KB": 1 << 10, "MiB": 1 << 20, "MB": 1 << 20, "GiB": 1 << 30,
    "GB": 1 << 30, "TiB": 1 << 40, "KB/s": 1, "MB/s": 1000, "GB/s": 1000000,
    "W": 1000, "mW": 1, "kW": 1000000, "J": 1000, "mJ": 1,
}

NUMBER = re.compile(r"^([+-]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%/()]*)$")


def plain(text):
    """The words of an element: blanks at the ends and one pair of [brackets] taken off."""
    words = " ".join((text or "").split())
    if words.startswith("[") and words.endswith("]"):
        words = words[1:-1].strip()
    return words


def is_hidden(text):
    """True for what somebody blacked out before publishing."""
    words = plain(text).lower()
    return "redacted" in words or "anonymi" in words or (
        len(words) > 3 and set(words) <= set("x*#-.: ") and set(words) & set("x*#"))


def refusal(text):
    """None for a value; "" for one that is absent; "!CODE" for a return code."""
    words = plain(text).lower().rstrip(".")
    if words in ABSENT or is_hidden(text):
        return ""
    if words.startswith("deprecated"):
        return "!DEPRECATED"
    return "!" + CODES[words] if words in CODES else None


def number(text):
    """A whole number in the file's unit, a refusal, or "" for what is no number."""
    refused = refusal(text)
    if refused is not None:
        return refused
    match = NUMBER.match(plain(text).replace(",", ""))
    if match is None or match.group(2) not in UNITS:
        return ""
    value = float(match.group(1)) * UNITS[match.group(2)]
    return str(int(value + (0.5 if value >= 0 else -0.5)))


def words(text):
    """A text for the file, quoted where it would be cut, or a refusal."""
    refused = refusal(text)
    if refused is not None:
        return refused
    value = " ".join(text.split()).replace('"', "'")
    value = "".join(c if c.isprintable() else "?" for c in value)
    return '"' + value + '"' if ";" in value or "#" in value or value.startswith("!") else value


def flag(text):
    """1 or 0 for the pairs of words that nvidia-smi uses, or a refusal."""
    refused = refusal(text)
    if refused is not None and plain(text).lower() != "none":
        return refused
    yes = {"enabled", "yes", "active", "on", "supported", "true", "1"}
    no = {"disabled", "no", "not active", "inactive", "off", "false", "0"}
    value = plain(text).lower()
    return "1" if value in yes else "0" if value in no else ""


def choice(table):
    """A reader that looks words up, without regard to case, blanks and marks."""
    def key(text):
        return re.sub(r"[^a-z0-9]", "", text.lower())
    known = {key(word): str(value) for word, value in table.items()}

    def read(text):
        value = known.get(key(plain(text)))
        if value is not None:
            return value
        return refusal(text) or ""
    return read


def hexadecimal(text):
    """A number such as 233010DE or 0x5300, or a refusal."""
    refused = refusal(text)
    if refused is not None:
        return refused
    digits = plain(text).lower().removeprefix("0x")
    return "0x" + digits.upper() if re.fullmatch(r"[0-9a-f]{1,8}", digits) else ""


def dotted(text):
    """A version such as 12.4, or a refusal."""
    refused = refusal(text)
    if refused is not None:
        return refused
    match = re.match(r"^[0-9]{1,4}(\.[0-9]{1,4})?", plain(text))
    return match.group(0) if match else ""


def level(text):
    """0 for P0."""
    refused = refusal(text)
    if refused is not None:
        return refused
    match = re.fullmatch(r"[Pp]([0-9]{1,2})", plain(text))
    return match.group(1) if match else ""


def mebibytes(text):
    """MiB of an amount of memory; None when it is not known."""
    value = number(text)
    return int(value) / (1 << 20) if value.lstrip("-").isdigit() else None


def integer(text):
    """A whole number; None when it is not known."""
    value = number(text)
    return int(value) if value.lstrip("-").isdigit() else None
