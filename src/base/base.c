/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void
vg_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "virga: BUG at %s:%d: %s\n", file, line, what);
    abort();
}
