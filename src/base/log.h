/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_LOG_H
#define VG_BASE_LOG_H

/*
 * Structured log lines on stderr, as text or JSON; one write(2) a line, any thread.
 *
 * A line is an event name and key/value pairs.  Secrets have no formatter here: never pass a secret
 * key, token, signature or body.  Library layers log at debug only; what failed is returned.
 */

#include "base/str.h"

enum vg_log_level { VG_LOG_DEBUG, VG_LOG_INFO, VG_LOG_WARN, VG_LOG_ERROR };

struct vg_log_kv {
    const char *key;
    struct vg_str value; /* absent: the pair is left out */
};

/* Call once before other threads start. `now` gives wall milliseconds (the project's clock). */
void vg_log_setup(enum vg_log_level min, bool json, int64_t (*now_ms)(void));
bool vg_log_enabled(enum vg_log_level level);
void vg_log_write(enum vg_log_level level, const char *event, const struct vg_log_kv *kv, size_t n);

/* vg_log(VG_LOG_INFO, "ready", { "listen", addr }, { "ms", VG_STR("12") }); */
#define vg_log(level, event, ...)                                                                  \
    do {                                                                                           \
        if (vg_log_enabled(level)) {                                                               \
            const struct vg_log_kv vg_log_kv_[] = { __VA_ARGS__ };                                 \
            vg_log_write((level), (event), vg_log_kv_, VG_COUNT(vg_log_kv_));                      \
        }                                                                                          \
    } while (0)

/* One free-form message: vg_logf(VG_LOG_WARN, "store", "flush took %d ms", n). */
void vg_logf(enum vg_log_level level, const char *event, const char *fmt, ...) VG_PRINTF(3, 4);

#endif
