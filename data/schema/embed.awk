# SPDX-License-Identifier: GPL-3.0-or-later
# Makes src/store_schema.c from the schema files, given in the order of their versions: each line a
# string of its own, since a compiler need not take a literal longer than 4095 characters.
BEGIN {
    print "/* Made by data/schema/embed.awk from data/schema/; do not edit. */"
    print "#include \"store_schema.h\"\n"
}
FNR == 1 {
    if (n++) print "    NULL,\n};\n"
    print "static const char *const lines_" n "[] = {"
}
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    print "    \"" $0 "\\n\","
}
END {
    print "    NULL,\n};\n"
    print "const char *const *const cf_store_schema[] = {"
    for (i = 1; i <= n; i++) print "    lines_" i ","
    print "};"
    print "const int cf_store_schema_n = " n ";"
}
