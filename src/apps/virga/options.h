/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRGA_OPTIONS_H
#define VIRGA_OPTIONS_H

/* The options of `virga serve`: parsed once, checked whole before anything is opened. */

#include "base/err.h"
#include "base/log.h"

#define RUNTIMES_MAX 16

struct serve_options {
    struct vg_str listen_host; /* "127.0.0.1" */
    uint16_t listen_port;
    struct vg_str data_dir;
    struct vg_str region, account;
    struct vg_str tls_cert, tls_key; /* files; absent: certificates are made per name */
    struct vg_str tls_listen_host;   /* absent: no TLS */
    uint16_t tls_listen_port;
    struct vg_str runtimes[RUNTIMES_MAX]; /* NAME=PATH */
    size_t n_runtimes;
    int n_loops; /* 0: one a core */
    bool is_ephemeral;
    bool is_durability_os;
    bool is_auth_strict;
    bool is_sandbox_weak;
    bool is_runtime_match_exact;
    bool is_log_json;
    enum vg_log_level log_level;
    bool is_help;
};

/* `argv` after the verb. The strings point into argv. */
vg_rc serve_options_parse(int argc, char **argv, struct serve_options *ret, struct vg_err *err)
    VG_MUST_USE;
void serve_options_help(void);

/* Where the data is: what --data says, absolute if it is there, or else the user's own place. */
struct vg_arena;
vg_rc data_dir_choose(struct vg_arena *arena, struct vg_str given, struct vg_str *ret,
                      struct vg_err *err) VG_MUST_USE;

#endif
