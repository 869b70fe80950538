/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/virga/daemon.h"
#include "apps/virga/verbs.h"

#include "os/clock.h"

#include <stdio.h>

int
verb_serve(int argc, char **argv)
{
    struct serve_options opt;
    struct vg_err err = { 0 };
    if (serve_options_parse(argc, argv, &opt, &err) != VG_OK) {
        fprintf(stderr, "virga serve: %" VG_FMT "\n", VG_ARG(vg_err_text(&err)));
        return 2;
    }
    if (opt.is_help) {
        serve_options_help();
        return 0;
    }
    vg_log_setup(opt.log_level, opt.is_log_json, vg_wall_ms);
    return daemon_run(&opt);
}
