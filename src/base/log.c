/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"

#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (16u << 10)

/* Set once by vg_log_setup() before other threads exist; read-only after. */
static struct {
    enum vg_log_level min;
    bool json;
    int64_t (*now_ms)(void);
} logging = { .min = VG_LOG_INFO }; /* lint: state: the one log of the process */

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void
vg_log_setup(enum vg_log_level min, bool json, int64_t (*now_ms)(void))
{
    logging.min = min;
    logging.json = json;
    logging.now_ms = now_ms;
}

bool
vg_log_enabled(enum vg_log_level level)
{
    return level >= logging.min;
}

static void
add_time(struct vg_buf *b)
{
    int64_t ms = logging.now_ms ? logging.now_ms() : 0;
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    vg_buf_addf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

/* A quoted string in which nothing can end the line or the quotes: JSON's escapes serve both forms.
 */
static void
add_quoted(struct vg_buf *b, struct vg_str s)
{
    vg_buf_addc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\') {
            vg_buf_addc(b, '\\');
            vg_buf_addc(b, (char)c);
        } else if (c == '\n') {
            vg_buf_adds(b, VG_STR("\\n"));
        } else if (c < 0x20 || c == 0x7f) {
            vg_buf_addf(b, "\\u%04x", c);
        } else {
            vg_buf_addc(b, (char)c);
        }
    }
    vg_buf_addc(b, '"');
}

static bool
is_plain(struct vg_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == '"' || s.ptr[i] == '\\'
            || s.ptr[i] == 0x7f)
            return false;
    return s.len > 0;
}

static void
add_json(struct vg_buf *b, enum vg_log_level level, const char *event, const struct vg_log_kv *kv,
         size_t n)
{
    vg_buf_adds(b, VG_STR("{\"time\":\""));
    add_time(b);
    vg_buf_addf(b, "\",\"level\":\"%s\",\"event\":\"%s\"", level_names[level], event);
    for (size_t i = 0; i < n; i++) {
        if (kv[i].value.ptr == NULL)
            continue;
        vg_buf_addf(b, ",\"%s\":", kv[i].key);
        add_quoted(b, kv[i].value);
    }
    vg_buf_addc(b, '}');
}

static void
add_text(struct vg_buf *b, enum vg_log_level level, const char *event, const struct vg_log_kv *kv,
         size_t n)
{
    add_time(b);
    vg_buf_addf(b, " %-5s %s", level_names[level], event);
    for (size_t i = 0; i < n; i++) {
        if (kv[i].value.ptr == NULL)
            continue;
        vg_buf_addf(b, " %s=", kv[i].key);
        if (is_plain(kv[i].value))
            vg_buf_adds(b, kv[i].value);
        else
            add_quoted(b, kv[i].value);
    }
}

void
vg_log_write(enum vg_log_level level, const char *event, const struct vg_log_kv *kv, size_t n)
{
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, LINE_MAX_BYTES);
    if (logging.json)
        add_json(&b, level, event, kv, n);
    else
        add_text(&b, level, event, kv, n);
    b.over = false;
    b.max++; /* the newline fits even after a cut line */
    vg_buf_addc(&b, '\n');
    if (write(STDERR_FILENO, b.ptr, b.len) < 0) {
        /* nowhere left to say it */
    }
}

void
vg_logf(enum vg_log_level level, const char *event, const char *fmt, ...)
{
    if (!vg_log_enabled(level))
        return;
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, LINE_MAX_BYTES / 2);
    va_list ap;
    va_start(ap, fmt);
    vg_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    const struct vg_log_kv kv[] = { { "msg", vg_buf_str(&b) } };
    vg_log_write(level, event, kv, VG_COUNT(kv));
}
