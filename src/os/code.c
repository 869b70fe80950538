/* SPDX-License-Identifier: Apache-2.0 */
#include "os/code.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

/*
 * Only what may be executed and not written: such pages are as they are in the file.  Read-only
 * ones are left alone, for the linker's relocations are among them.
 */
void
vg_code_release(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    if (maps == NULL)
        return; /* only a saving */
    while (fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t from, to;
        char perms[5];
        unsigned long inode;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu", &from, &to, perms, &inode)
                == 4
            && inode != 0 && perms[0] == 'r' && perms[1] == '-' && perms[2] == 'x'
            && perms[3] == 'p')
            (void)madvise((void *)from, to - from, MADV_DONTNEED);
    }
    fclose(maps);
}
