#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The examples of the manual that say they run: each must end with status 0 and print something.
LC_ALL=C.UTF-8
export LC_ALL
page=${srcdir:-.}/man/confab.1.in
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
HOME=$folder
CONFAB_DATADIR=$(cd "${srcdir:-.}/data" && pwd)
export HOME CONFAB_DATADIR
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
mkdir "$folder/bin"
ln -s "$CONFAB_PROGRAM" "$folder/bin/confab"
PATH=$folder/bin:$PATH
awk '/^\.\\" example/ { getline; gsub(/\\-/, "-"); gsub(/\\\(aq/, "'\''"); sub(/^ +/, ""); print }' "$page" \
    >"$folder/examples"
echo "1..$(($(wc -l <"$folder/examples") + 1))"
n=1
missing=$({
    confab --no-save config | sed 's/ = .*//'
    confab --help | sed -n 's/^  \([a-z]*\( [a-z][a-z]*\)*\).*/\1/p'
    confab --help | grep -o -e '--[a-z][a-z-]*' | sed 's/^--//'
} | sort -u | while IFS= read -r name; do
    sed 's/\\-/-/g; s/\\f[A-Z]//g' man/confab.1 |
        grep -q -e "^$name\( \|\$\)" -e "--$name\( \|\$\)" || echo "# not in the manual: $name"
done)
if [ -z "$missing" ]; then
    echo "ok 1 - every setting, command and option stands in it"
else
    echo "not ok 1 - every setting, command and option stands in it"
    echo "$missing"
fi
while IFS= read -r example; do
    n=$((n + 1))
    if output=$(cd "$folder" && sh -c "$example" 2>"$folder/errors" </dev/null) && [ -n "$output" ]; then
        echo "ok $n - $example"
    else
        echo "not ok $n - $example"
        sed 's/^/# /' "$folder/errors"
    fi
done <"$folder/examples"
