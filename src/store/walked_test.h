/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_WALKED_TEST_H
#define VG_STORE_WALKED_TEST_H

/* For tests over RocksDB on disk: how many deletions this thread's scans have walked over. */

#include <rocksdb/c.h>
#include <stdint.h>

static inline void
vg_walked_count(void)
{
    rocksdb_set_perf_level(rocksdb_enable_count);
}

static inline uint64_t
vg_walked(void)
{
    rocksdb_perfcontext_t *perf = rocksdb_perfcontext_create();
    uint64_t n = rocksdb_perfcontext_metric(perf, rocksdb_internal_delete_skipped_count);
    rocksdb_perfcontext_destroy(perf);
    return n;
}

static inline void
vg_walked_end(void)
{
    rocksdb_set_perf_level(rocksdb_disable);
}

#endif
