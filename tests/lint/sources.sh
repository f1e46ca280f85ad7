# shellcheck shell=sh
# sources ROOT PATTERN...: the project's own files whose names match, one a line; nothing that is built.
sources() {
    (
        cd "$1" || exit 2
        shift
        for pattern in "$@"; do
            find . \( -path ./.git -o -path ./build -o -path ./out \) -prune -o -type f -name "$pattern" -print
        done | sort
    )
}

# An empty list would pass every check.
expect_files() {
    if [ ! -s "$1" ]; then
        echo "no files found to check"
        exit 2
    fi
}
