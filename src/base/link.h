/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_LINK_H
#define VG_BASE_LINK_H

/*
 * Doubly linked rings whose links lie inside their members (VG_CONTAINER leads back).  A list is a
 * link of its own, the head: empty when it points at itself.  A member that is in no list points at
 * itself too, so that removing it again does no harm.
 */

#include "base/base.h"

struct vg_link {
    struct vg_link *next, *prev;
};

static inline void
vg_link_init(struct vg_link *l)
{
    l->next = l->prev = l;
}

/* Of a head: the list is empty. Of a member: it is in no list. */
static inline bool
vg_link_is_alone(const struct vg_link *l)
{
    return l->next == l;
}

static inline void
vg_link_remove(struct vg_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    vg_link_init(l);
}

/* At the end of the list; the member must be in none. */
static inline void
vg_link_append(struct vg_link *head, struct vg_link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

#endif
