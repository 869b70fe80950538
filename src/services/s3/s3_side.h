/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_SIDE_H
#define S3_SIDE_H

/*
 * Work that goes on beside a fiber: on the thread pool, while its fiber takes bytes from a socket
 * or gives them to one.  Each piece of work (a side) is watched by a fiber of its own for as long
 * as it runs.  Off a fiber (tests) everything is done at once.
 */

#include "os/fiber.h"

#include <pthread.h>

/* What the sides of one owner share; the owner is one fiber. */
struct s3_sides {
    pthread_mutex_t lock; /* guards what they and the owner both use */
    struct vg_waiter *owner;
};

struct s3_side {
    struct s3_sides *of;
    vg_task_fn *fn;              /* on the pool */
    bool (*has_more)(void *arg); /* whether to run again, asked on the owner's loop; NULL: never */
    void *arg;
    bool is_running; /* the loop's */
};

void s3_sides_init(struct s3_sides *s);
void s3_sides_fini(struct s3_sides *s); /* when none runs */

/* Runs it, unless it runs: then it looks for more itself before it ends. On the owner. */
void s3_side_start(struct s3_side *side);
/* Until it has ended. On the owner. */
void s3_side_join(struct s3_side *side) VG_WAITS;

/* Under the lock: until somebody told; under the lock again. On the owner. */
void s3_sides_wait(struct s3_sides *s) VG_WAITS;
/* Under the lock, on any thread: something changed. */
void s3_sides_tell(struct s3_sides *s);

#endif
