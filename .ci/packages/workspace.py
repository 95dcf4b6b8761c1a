"""Unpacks the archives of all published packages into a workspace, and adds packages for the samples of all pages.

    python3 .ci/packages/workspace.py ARCHIVES FOLDER

ARCHIVES is a folder with the files that `cargo package` wrote. FOLDER is replaced. The packages in it have no access to
the repository: the packages depend on each other as they were unpacked, and samples on them.

The pages are README.md, the README.md of each package, and the manual. The samples below a block

    ```toml
    [dependencies]

have exactly the dependencies that it prints, those of other pages of the manual the ones of its index. A sample with
`fn main` is a program, without the lines that rustdoc hides. All samples are tests of the documentation as well.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIRED_FILES = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"]
REQUIRED_KEYS = ["categories", "description", "keywords", "license", "readme", "repository", "rust-version"]
MANUAL = ROOT / "tracing-core-ext/src/manual"
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPILED = {"", "rust", "no_run", "should_panic"}


def published():
    """Returns all packages of the workspace that are published, as Cargo describes them."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return [package for package in metadata["packages"] if package["publish"] != []]


def unpack(package, archives, folder):
    """Unpacks an archive, and fails if it lacks a file or a key that the registry shows."""
    name = f"{package['name']}-{package['version']}"
    archive = archives / f"{name}.crate"
    with tarfile.open(archive) as file:
        links = [member.name for member in file if not member.isfile()]
        if links:
            sys.exit(f"{archive}: not regular files: {', '.join(links)}")
        file.extractall(folder, filter="data")
    unpacked = folder / name
    for required in REQUIRED_FILES:
        if not (unpacked / required).is_file() or (unpacked / required).stat().st_size == 0:
            sys.exit(f"{archive}: {required} is missing or empty")
    manifest = tomllib.loads((unpacked / "Cargo.toml").read_text())
    for key in REQUIRED_KEYS:
        if not manifest["package"].get(key):
            sys.exit(f"{archive}: Cargo.toml: package.{key} is missing or empty")
    if not manifest["package"].get("metadata", {}).get("docs", {}).get("rs", {}).get("all-features"):
        sys.exit(f"{archive}: Cargo.toml: package.metadata.docs.rs.all-features is not true")
    print(f"{name}: {archive.stat().st_size / 1024:.0f} KiB, {sum(1 for it in unpacked.rglob('*') if it.is_file())} files")
    return unpacked


def is_dependencies(info, code):
    return info == "toml" and list(tomllib.loads(code)) == ["dependencies"]


def parts(page, dependencies):
    """Returns the text of a page, divided at each block of dependencies, with the block above it."""
    text = page.read_text()
    found = []
    start = 0
    for fence in FENCE.finditer(text):
        if is_dependencies(fence[1], fence[2]):
            found.append((text[start : fence.start()], dependencies))
            dependencies = fence[2]
            start = fence.end()
    return [*found, (text[start:], dependencies)]


def samples(text):
    """Returns all samples that are compiled."""
    fences = FENCE.finditer(text)
    return [fence[2] for fence in fences if set(re.split(r"[ ,]+", fence[1])) <= COMPILED]


def visible(sample):
    return "".join(line for line in sample.splitlines(keepends=True) if not re.match(r"\s*#( |$)", line))


def pages(packages):
    """Returns each page with the dependencies of its beginning."""
    yield ROOT / "README.md", None
    for package in packages:
        yield Path(package["manifest_path"]).parent / "README.md", None
    index = next((block for _, block in parts(MANUAL / "index.md", None) if block), None)
    if index is None:
        sys.exit("index.md of the manual: no block of dependencies")
    for page in sorted(MANUAL.rglob("*.md")):
        yield page, index


def write_samples(name, dependencies, texts, folder):
    """Writes the package of all samples that have the same dependencies."""
    source = folder / name / "src"
    (source / "bin").mkdir(parents=True)
    manifest = f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\npublish = false\n\n{dependencies}'
    (folder / name / "Cargo.toml").write_text(manifest)
    modules = []
    programs = 0
    for number, (page, text) in enumerate(texts):
        (source / f"{number}.md").write_text(text)
        modules.append(f'/// {page.relative_to(ROOT)}\n#[doc = include_str!("{number}.md")]\nmod page_{number} {{}}\n')
        for sample in samples(text):
            if re.search(r"^(async )?fn main\(", sample, re.MULTILINE):
                programs += 1
                (source / f"bin/{name}-{page.stem.lower()}-{programs}.rs").write_text(visible(sample))
    (source / "lib.rs").write_text("\n".join(modules))
    count = sum(len(samples(text)) for _, text in texts)
    print(f"{name}: {count} samples, {programs} of them programs: {', '.join(sorted({str(page.relative_to(ROOT)) for page, _ in texts}))}")


def write_all_samples(packages, folder):
    by_dependencies = {}
    for page, beginning in pages(packages):
        for text, dependencies in parts(page, beginning):
            if not samples(text):
                continue
            if dependencies is None:
                sys.exit(f"{page.relative_to(ROOT)}: no block of dependencies precedes its first sample")
            by_dependencies.setdefault(dependencies, []).append((page, text))
    for number, (dependencies, texts) in enumerate(by_dependencies.items()):
        write_samples(f"samples-{number}", dependencies, texts, folder)
    if len(by_dependencies) < 5:
        sys.exit(f"only {len(by_dependencies)} blocks of dependencies have samples")


def main():
    archives, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = published()
    unpacked = {package["name"]: unpack(package, archives, folder) for package in packages}
    write_all_samples(packages, folder / "samples")
    members = [path.name for path in unpacked.values()]
    patches = [f'{name} = {{ path = "{path.name}" }}' for name, path in unpacked.items()]
    profiles = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]
    profiles = [f'[profile.{it}]\ndebug = "{profiles[it]["debug"]}"' for it in ("dev", "test")]
    lines = ["[workspace]", 'resolver = "3"', f"members = {json.dumps([*members, 'samples/*'])}", ""]
    lines += ["[patch.crates-io]", *patches, "", *profiles, ""]
    (folder / "Cargo.toml").write_text("\n".join(lines))
    # The versions that the repository is tested with.
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")


main()
