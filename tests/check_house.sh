#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The house rules of ARCHITECTURE.md, as TAP: floors and walls by includes, walls by the symbols of
# the objects, sizes of files and functions.  The rules themselves stand in tests/house/floors.
LC_ALL=C
export LC_ALL
src=${srcdir:-.}
rules=$src/tests/house/floors
n=0
report() { # NAME VIOLATIONS
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$2" | sed 's/^/# /'
    fi
}

echo 1..6
files=$(cd "$src" && find src ui -name '*.[ch]' | sort)
sources=$(printf '%s\n' "$files" | sed "s|^|$src/|")

# shellcheck disable=SC2086
report 'includes go down only' "$(awk -v src="$src/" '
function room(path,    name, parts, n) {
    sub(/^(src|ui)\//, "", path)
    if (index(path, "/")) { split(path, parts, "/"); return parts[1] }
    sub(/\.[ch]$/, "", path)
    if (path in floor) return path
    sub(/_.*/, "", path)
    return path
}
FNR == NR {
    if ($1 == "floor") for (i = 4; i <= NF; i++) floor[$i] = $2
    if ($1 == "floor") for (i = 4; i <= NF; i++) side[$i] = $3
    if ($1 == "edge") edge[$2, $3] = 1
    if ($1 == "never") for (i = 3; i <= NF; i++) never[$2, $i] = 1
    if ($1 == "only") only[$2] = $3
    next
}
FNR == 1 { file = substr(FILENAME, length(src) + 1); here = room(file); here_side = file; sub(/\/.*/, "", here_side)
           if (!(here in floor)) print file ": its room " here " is on no floor" }
/^#[ \t]*include[ \t]*"/ {
    split($0, q, "\""); there = room(q[2])
    if (q[2] ~ /\.inc$|^schema/) next
    if (!(there in floor)) { print file ": includes " q[2] ", whose room is on no floor"; next }
    if ((here_side, there) in never || (side[there] == "ui" && here_side == "src" && here != "main"))
        print file ": " here_side " must not include " q[2]
    if (here != there && floor[there] >= floor[here] && !((here, there) in edge))
        print file ": floor " floor[here] " includes " q[2] " of floor " floor[there]
}
/^#[ \t]*include[ \t]*</ {
    match($0, /<[^>]*>/); header = substr($0, RSTART + 1, RLENGTH - 2)
    for (r in only) if (here != r && header ~ "^(" only[r] ")$") print file ": only " r " includes <" header ">"
}' "$rules" $sources)"

objects=$(find . -path './src/*.o' -o -path './ui/*.o' | sort)
report 'symbols stay behind their walls' "$(for object in $objects; do
    nm -u "$object" | awk -v object="$object" '{ print object, $NF }'
done | awk '
FNR == NR { if ($1 == "symbol") symbol[$2] = $3; next }
{ room = $1; sub(/^\.\/(src|ui)\//, "", room); sub(/[_.\/].*/, "", room)
  for (r in symbol) if (room != r && $2 ~ "^(" symbol[r] ")$") print $1 ": " $2 " belongs to " r }
' "$rules" -)"

report 'the engine is silent; src writes to no stream but through main and cli' "$(for object in $objects; do
    nm -u "$object" | awk -v object="$object" '{ print object, $NF }'
done | awk '
FNR == NR { if ($1 == "engine") for (i = 2; i <= NF; i++) engine[$i] = 1; next }
{ path = $1; room = path; sub(/^\.\/(src|ui)\//, "", room); sub(/[_.\/].*/, "", room); sub(/@.*/, "", $2)
  if (path ~ /^\.\/src\// && room != "main" && room != "cli" && $2 ~ /^(stdout|stderr|printf|vprintf|puts|putchar|perror|__printf_chk)$/)
      print path ": writes to a stream (" $2 ")"
  if (room in engine && $2 ~ /^(exit|_exit|quick_exit|getenv|secure_getenv|setenv|system|popen)$/)
      print path ": the engine must not call " $2
  if (path ~ /^\.\/(src|ui)\// && room != "main" && $2 ~ /^(exit|quick_exit)$/)
      print path ": only main exits" }
' "$rules" -)"

# shellcheck disable=SC2086
report 'no file is longer than 700 lines' "$(for file in $sources; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 700 ]; then echo "$file: $lines lines"; fi
done)"

# shellcheck disable=SC2086
report 'no function is longer than 100 lines' "$(awk '
/^\{/ { start = FNR; next }
/^\}/ { if (start && FNR - start - 1 > 100) print FILENAME ":" start ": " FNR - start - 1 " lines"; start = 0 }
FNR == 1 { start = 0 }' $sources)"

report 'Makefile.am names every file that tests and program read' "$(cd "$src" &&
    find data man tests -type f ! -name '*.[cho]' ! -name '*.log' ! -name '*.trs' ! -path '*/.*' |
    while IFS= read -r file; do
        case $file in
        */*.in | */*.py | */*.json | */*.txt | tests/fixtures/* | tests/fuzz/corpus/* | data/* | tests/*.supp | tests/*.sh)
            grep -qF "$file" Makefile.am || echo "$file" ;;
        esac
    done)"
