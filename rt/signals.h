/* signals.h - faults of generated code become traps.
 *
 * Generated code is entered with an activation on the C stack. A fault is the code's own if the instruction is in a registered
 * code range and has a trap there, and for an access also if the address is in reserved memory; or if code has used the
 * thread's stack up. Everything else goes to whoever handled the signal before. Of a fault of its own the code is left on its own stack: `trapped` is called
 * there, with the frames still in place, and does not return (it calls longjmp).
 */
#ifndef DV_RT_SIGNALS_H
#define DV_RT_SIGNALS_H

#include "base/base.h"

typedef struct Activation {
    struct Activation *outer; /* of this thread */
    void (*trapped)(struct Activation *self);
    /* The fault. */
    u32 code;     /* base/traps.def */
    const u8 *pc; /* of the instruction; NULL: the frames are gone, having used the stack up */
    const u8 *fp; /* its frame pointer; then that of a frame which returns to address 0 */
} Activation;

/* Whether faults can be caught here: Linux on x86-64. */
bool dv_signals_are_supported(void);
/* Prepares the process, once, and this thread, once, which from then on does not block the signals of faults. False if they
 * cannot be caught. */
bool dv_signals_prepare(void);
/* Puts the handlers in again, in front of what others have put in place of them since; for programs that know of such. What
 * was put there must not pass signals on to ours. Not while code runs. */
bool dv_signals_renew(void);
/* For a program's handler of another signal, which gives its third argument: if this thread was in generated code, that ends with
 * the trap once the handler has returned. False if it was elsewhere: C functions that code has called are not left. The handler
 * runs on the alternate stack (SA_ONSTACK). */
bool dv_signals_interrupt(void *context, u32 code);

/* The thread's innermost activation; NULL. */
Activation *dv_activation(void);
void dv_activation_push(Activation *activation);
/* Makes it the innermost again before its code goes on: what was called from there may have left for other stacks with activations
 * of their own, which need not be gone, or have come back in another thread, which is prepared. False if that
 * fails. */
bool dv_activation_resume(Activation *activation);
/* It must be the innermost, or have been; inner ones are gone by longjmp. */
void dv_activation_pop(Activation *activation);

/* How far down the stack of this thread goes from the address, if that is in it and the system tells; else NULL: code may run
 * on other stacks too. */
const u8 *dv_stack_end(const u8 *address);

#endif
