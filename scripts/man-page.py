#!/usr/bin/env python3
"""Makes a man page of what a program says of itself.

    poolctl --experimental-dump-help | man-page.py >poolctl.1
"""
import json
import sys


def text(words):
    """Text that means nothing to roff."""
    lines = (words or "").replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def name(one):
    return text(("-" if one["kind"] != "long" else "--") + one["name"])


def heading(argument):
    """How an argument is written, such as -o, --output OUTPUT."""
    value = text((argument.get("valueName") or "value").upper())
    if argument["kind"] == "positional":
        return "\\fI%s\\fR%s" % (value, "..." if argument["isRepeating"] else "")
    names = ", ".join("\\fB%s\\fR" % name(one) for one in argument.get("names", []))
    return names + (" \\fI%s\\fR" % value if argument["kind"] == "option" else "")


def shown(command):
    """The arguments of a command but those that every command has."""
    hidden = {"help", "version"}
    return [
        one for one in command.get("arguments", [])
        if one.get("shouldDisplay", True)
        and hidden.isdisjoint(known["name"] for known in one.get("names", []))
    ]


def synopsis(command):
    full = " ".join(command.get("superCommands", []) + [command["commandName"]])
    words = ["\\fB%s\\fR" % text(full)]
    if any(one["kind"] != "positional" for one in shown(command)):
        words.append("[\\fIOPTIONS\\fR]")
    for one in shown(command):
        if one["kind"] == "positional":
            words.append("[%s]" % heading(one) if one["isOptional"] else heading(one))
        elif not one["isOptional"]:
            words.append(heading(one))
    if subcommands(command):
        words.append("\\fICOMMAND\\fR")
    return " ".join(words)


def subcommands(command):
    return [
        one for one in command.get("subcommands", [])
        if one.get("shouldDisplay", True) and one["commandName"] != "help"
    ]


def options(command):
    for one in shown(command):
        yield ".TP"
        yield heading(one)
        words = text(one.get("abstract"))
        if one.get("defaultValue"):
            words += " (default: %s)" % text(one["defaultValue"])
        yield words.strip() or "\\&"


def section(command):
    """A command with all below it."""
    yield '.SS "%s"' % text(" ".join(command["superCommands"] + [command["commandName"]]))
    yield synopsis(command)
    for words in (command.get("abstract"), command.get("discussion")):
        if words:
            yield ".PP"
            yield text(words)
    yield from options(command)
    for one in subcommands(command):
        yield from section(one)


def page(command):
    title = command["commandName"]
    yield '.TH %s 1 "" "pool allocator"' % text(title.upper())
    yield ".SH NAME"
    yield "%s \\- %s" % (text(title), text((command.get("abstract") or "").rstrip(".")))
    yield ".SH SYNOPSIS"
    yield synopsis(command)
    if command.get("discussion"):
        yield ".SH DESCRIPTION"
        yield text(command["discussion"])
    yield ".SH COMMANDS"
    for one in subcommands(command):
        yield from section(one)


def main():
    command = json.load(sys.stdin)["command"]
    sys.stdout.write("\n".join(page(command)) + "\n")


if __name__ == "__main__":
    main()
