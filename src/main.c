/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base.h"

int main(void)
{
    printf("%s\n", PACKAGE_STRING);
    return 0;
}
