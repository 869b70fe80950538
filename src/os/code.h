/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_CODE_H
#define VG_OS_CODE_H

/*
 * The pages of the program and its libraries that hold machine code.  Much of it runs only at the
 * start (RocksDB's opening touches megabytes); a page that is needed again comes from the page
 * cache within microseconds.
 */

/* Lets go of all of them. Any thread, while others run. */
void vg_code_release(void);

#endif
