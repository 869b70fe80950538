/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_FORM_H
#define VG_CORE_FORM_H

/*
 * Forms that browsers post as multipart/form-data: an operation in another dress.  A service that
 * takes them says what a form asks for; the front door runs that operation and answers as of any.
 */

#include "core/service.h"
#include "wire/wire.h"

/* What a form asks for. */
struct vg_form {
    const struct vg_op *op;
    struct vg_wire_in in; /* the request of that operation with the same meaning */
    void *own;            /* the service's */
};

struct vg_forms {
    /*
     * Whether a POST is one; touches no store.  `path` is what operations are found by;
     * `is_ours`: the request is to this service's API by its signature or host.
     */
    bool (*match)(struct vg_str path, struct vg_str query, struct vg_str content_type,
                  bool is_ours);
    /*
     * Reads up to the file, finds out who signed and whether he allows the form; leaves the file to
     * be read as the operation's body.  The rest of `http` is not looked at.
     */
    vg_rc (*open)(struct vg_req *rq, struct vg_http_req *http, struct vg_str path,
                  struct vg_form *ret);
    /* Makes the form's answer of the operation's. */
    void (*answer)(struct vg_req *rq, const struct vg_form *form, struct vg_wire_out *out);
};

#endif
