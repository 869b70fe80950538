/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

struct vg_node *
vg_tree_find(const struct vg_tree *t, struct vg_str key)
{
    struct vg_node *n = t->root;
    while (n) {
        int c = vg_str_cmp(key, n->key);
        if (c == 0)
            return n;
        n = c < 0 ? n->low : n->high;
    }
    return NULL;
}

struct vg_node *
vg_tree_at_or_after(const struct vg_tree *t, struct vg_str key)
{
    struct vg_node *n = t->root, *best = NULL;
    while (n) {
        if (vg_str_cmp(n->key, key) >= 0) {
            best = n;
            n = n->low;
        } else {
            n = n->high;
        }
    }
    return best;
}

struct vg_node *
vg_tree_before(const struct vg_tree *t, struct vg_str key)
{
    struct vg_node *n = t->root, *best = NULL;
    while (n) {
        if (vg_str_cmp(n->key, key) < 0) {
            best = n;
            n = n->high;
        } else {
            n = n->low;
        }
    }
    return best;
}

struct vg_node *
vg_tree_next(const struct vg_node *n)
{
    if (n->high) {
        struct vg_node *m = n->high;
        while (m->low)
            m = m->low;
        return m;
    }
    while (n->up && n == n->up->high)
        n = n->up;
    return n->up;
}

struct vg_node *
vg_tree_prev(const struct vg_node *n)
{
    if (n->low) {
        struct vg_node *m = n->low;
        while (m->high)
            m = m->high;
        return m;
    }
    while (n->up && n == n->up->low)
        n = n->up;
    return n->up;
}

/* Puts `by` where `n` hung from its parent. */
static void
replace(struct vg_tree *t, struct vg_node *n, struct vg_node *by)
{
    struct vg_node *up = n->up;
    if (up == NULL)
        t->root = by;
    else if (up->low == n)
        up->low = by;
    else
        up->high = by;
    if (by)
        by->up = up;
}

/* Lifts `n` over its parent. */
static void
lift(struct vg_tree *t, struct vg_node *n)
{
    struct vg_node *up = n->up;
    replace(t, up, n);
    if (up->low == n) {
        up->low = n->high;
        if (n->high)
            n->high->up = up;
        n->high = up;
    } else {
        up->high = n->low;
        if (n->low)
            n->low->up = up;
        n->low = up;
    }
    up->up = n;
}

void
vg_tree_insert(struct vg_tree *t, struct vg_node *n)
{
    t->dice = t->dice * 1664525u + 1013904223u;
    n->weight = (t->dice ^ t->dice >> 15) * 0x9E3779B1u;
    n->low = n->high = n->up = NULL;
    struct vg_node **at = &t->root;
    while (*at) {
        n->up = *at;
        at = vg_str_cmp(n->key, n->up->key) < 0 ? &n->up->low : &n->up->high;
    }
    *at = n;
    while (n->up && n->up->weight < n->weight)
        lift(t, n);
    t->len++;
}

void
vg_tree_remove(struct vg_tree *t, struct vg_node *n)
{
    while (n->low && n->high)
        lift(t, n->low->weight > n->high->weight ? n->low : n->high);
    replace(t, n, n->low ? n->low : n->high);
    n->low = n->high = n->up = NULL;
    t->len--;
}
