/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checksums of what comes on stdin: "KIND CUT LENGTH", a line feed and so many bytes.  Answers with
 * the CRC of all in one go, without the processor's help, and joined from both sides of the cut.
 */

#include "base/arena.h"
#include "crypto/checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void
answer(enum vg_checksum_kind kind, struct vg_str all, size_t cut)
{
    struct vg_str head = vg_str_slice(all, 0, cut), tail = vg_str_slice(all, cut, all.len);
    uint64_t a = vg_crc(kind, 0, head), b = vg_crc(kind, 0, tail);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", vg_crc(kind, 0, all),
           vg_crc_portable(kind, 0, all), vg_crc_join(kind, a, b, tail.len));
    fflush(stdout);
}

int
main(void)
{
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        char *p = line;
        unsigned long kind = strtoul(p, &p, 10), cut = strtoul(p, &p, 10), n = strtoul(p, &p, 10);
        char *bytes = vg_xalloc(n + 1);
        if (fread(bytes, 1, n, stdin) != n || cut > n)
            return 2;
        answer((enum vg_checksum_kind)kind, vg_str_n(bytes, n), cut);
        free(bytes);
    }
    return 0;
}
