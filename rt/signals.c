/* signals.c - the handler of faults, for Linux on x86-64; elsewhere nothing is caught.
 *
 * The handlers are installed when code is first about to run, and stay: what was there before is called for signals that are
 * not ours, with the mask and the flags that it asked for as far as that is possible from a handler. A handler that is
 * installed later by others comes before ours, and must pass on what is not its own.
 *
 * The handler changes where the interrupted context goes on: at `leave`, as if the faulting instruction had called it, below
 * what the frame may use without saying so (the red zone). Then it returns, so that the kernel restores mask and alternate
 * stack. The generated code leaves room for that: its stack limit is not the end of the stack.
 *
 * Handlers run on an alternate stack, since the fault may be that of a stack that is used up. A thread gets one when it has
 * none; it is given back when the thread ends.
 *
 * The system knows these functions from then on, so a shared library that they are part of must stay loaded: libdavit.so is
 * linked so.
 *
 * Code that does not look at a stack limit, which only tests have, may use the stack up. Then there is no room for `trapped` below its
 * frames: it is called above them, right below those of the C functions that entered the code, and told of no frame.
 */
#if defined(__linux__) && defined(__x86_64__) && defined(__LP64__)
#define CATCHES_FAULTS 1
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* registers of a context, pthread_getattr_np */
#endif
#else
#define CATCHES_FAULTS 0
#endif

#include "rt/signals.h"

#if CATCHES_FAULTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "rt/registry.h"

static _Thread_local struct {
    Activation *innermost;
    bool is_prepared;
    bool knows_stack; /* asking takes long, in the main thread of a process above all */
    const u8 *stack;  /* its end; NULL: not told */
    usize stack_bytes;
} thread_state;

Activation *dv_activation(void)
{
    return thread_state.innermost;
}

void dv_activation_push(Activation *activation)
{
    activation->outer = thread_state.innermost;
    thread_state.innermost = activation;
}

bool dv_activation_resume(Activation *activation)
{
    thread_state.innermost = activation;
    return dv_signals_prepare();
}

void dv_activation_pop(Activation *activation)
{
    thread_state.innermost = activation->outer;
}

/* ---- the handler ---- */

enum { RED_ZONE_BYTES = 128, ALTERNATE_BYTES = 1 << 16 };
/* Of the end of a stack: guard pages, and what a C function may need. */
enum { NEAR_BYTES = 1 << 16 };
/* More than C functions have on the stack from an activation to the code. */
enum { ENTRY_BYTES = 1 << 13 };

enum {
#define TRAP(name, code, message) TRAP_##name = (code),
#include "base/traps.def"
    TRAP_END
};

static const int signal_numbers[] = {SIGILL, SIGFPE, SIGSEGV, SIGBUS};

/* Part of the registry: written before the handlers are there, and not while code runs. */
static struct {
    pthread_once_t once;
    bool is_installed;
    pthread_key_t key; /* of the alternate stack of a thread */
    struct sigaction previous[ARRAY_LEN(signal_numbers)];
    atomic_bool is_spent[ARRAY_LEN(signal_numbers)]; /* it was for one signal, which has come */
} handlers = {.once = PTHREAD_ONCE_INIT};

/* Where a context that faulted goes on. */
static void leave(void)
{
    Activation *activation = thread_state.innermost;
    activation->trapped(activation);
    CHECK(false); /* it does not return */
}

static const u8 *pc_of(const ucontext_t *context)
{
    return (const u8 *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static const u8 *sp_of(const ucontext_t *context)
{
    return (const u8 *)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

/* Of this thread's stack, on either side. */
static bool is_near_end(const void *address)
{
    uintptr_t from_start = (uintptr_t)address - (uintptr_t)thread_state.stack + NEAR_BYTES;
    return thread_state.stack != NULL && from_start < 2 * NEAR_BYTES;
}

/* The trap that this fault is; 0: it is none of ours. */
static u32 find_trap(int number, const siginfo_t *info, const void *pc)
{
    const CodeRange *range = dv_registry_find_code(pc);
    u32 code = range == NULL ? 0 : dv_registry_find_trap(range, pc);
    bool is_access = number == SIGSEGV || number == SIGBUS;
    return !is_access || (code != 0 && dv_registry_is_reserved(info->si_addr)) ? code : 0;
}

static bool uses_stack_up(int number, const siginfo_t *info, const ucontext_t *context)
{
    return number == SIGSEGV && is_near_end(info->si_addr) && is_near_end(sp_of(context));
}

/* Has a context that is in generated code go on in `leave`; if the stack is used up, over its frames. */
static void divert(ucontext_t *context, u32 code, bool is_used_up)
{
    static const u8 no_frame[2 * sizeof(void *)]; /* returns to nowhere */
    Activation *activation = thread_state.innermost;
    greg_t *registers = context->uc_mcontext.gregs;
    activation->code = code;
    activation->pc = pc_of(context);
    activation->fp = (const u8 *)(uintptr_t)registers[REG_RBP];
    uintptr_t free_below = (uintptr_t)registers[REG_RSP] - RED_ZONE_BYTES;
    if (is_used_up) {
        free_below = (uintptr_t)activation - ENTRY_BYTES;
        activation->pc = NULL;
        activation->fp = no_frame;
    }
    /* As after a call: aligned to 16 but for the return address. */
    uintptr_t stack = (free_below & ~(uintptr_t)15) - 8;
    registers[REG_RSP] = (greg_t)stack;
    registers[REG_RIP] = (greg_t)(uintptr_t)leave;
    registers[REG_EFL] &= ~(greg_t)0x400; /* strings go upwards */
}

/* Whether it is code's is asked first, of the registry: other threads may never have had what is thread-local, and to ask for that
 * may take memory, in the middle of whoever failed. */
static bool claim(int number, const siginfo_t *info, ucontext_t *context)
{
    bool is_code = info->si_code > 0 && dv_registry_find_code(pc_of(context)) != NULL;
    bool is_fault = is_code && thread_state.innermost != NULL;
    u32 code = is_fault ? find_trap(number, info, pc_of(context)) : 0;
    bool is_used_up = is_fault && code == 0 && uses_stack_up(number, info, context);
    if (code != 0 || is_used_up) {
        divert(context, is_used_up ? TRAP_stk_ovf : code, is_used_up);
    }
    return code != 0 || is_used_up;
}

bool dv_signals_interrupt(void *context, u32 code)
{
    bool is_in_code =
        thread_state.innermost != NULL && dv_registry_find_code(pc_of(context)) != NULL;
    if (is_in_code) {
        divert(context, code, is_near_end(sp_of(context)));
    }
    return is_in_code;
}

/* Calls it with the signals blocked that it asked for; the kernel puts the mask back when our handler returns. */
static void call_previous(const struct sigaction *previous, int number, siginfo_t *info,
                          void *context)
{
    sigset_t own;
    pthread_sigmask(SIG_BLOCK, &previous->sa_mask, NULL);
    if ((previous->sa_flags & SA_NODEFER) != 0 && sigismember(&previous->sa_mask, number) == 0) {
        sigemptyset(&own);
        sigaddset(&own, number);
        pthread_sigmask(SIG_UNBLOCK, &own, NULL);
    }
    if ((previous->sa_flags & SA_SIGINFO) != 0) {
        previous->sa_sigaction(number, info, context);
    } else {
        previous->sa_handler(number);
    }
}

/* What the signal does without handlers: it happens again when we return, or now. */
static void do_standard(int number, const siginfo_t *info)
{
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, NULL);
    if (info->si_code <= 0) {
        raise(number);
    }
}

/* Does what would have been done without us. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    usize place = 0;
    while (signal_numbers[place] != number) {
        place++;
    }
    const struct sigaction *previous = &handlers.previous[place];
    bool is_once = (previous->sa_flags & (int)SA_RESETHAND) != 0;
    bool is_handler = (previous->sa_flags & SA_SIGINFO) != 0 ||
                      (previous->sa_handler != SIG_DFL && previous->sa_handler != SIG_IGN);
    if (is_handler && !(is_once && atomic_exchange(&handlers.is_spent[place], true))) {
        call_previous(previous, number, info, context);
    } else if (is_handler || previous->sa_handler == SIG_DFL || info->si_code > 0) {
        do_standard(number, info); /* a fault cannot be ignored */
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    if (!claim(number, info, context)) {
        pass_on(number, info, context);
    }
}

/* ---- installing ---- */

static void free_stack(void *stack)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    munmap(stack, ALTERNATE_BYTES);
}

static bool put_handlers(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (usize i = 0; i < ARRAY_LEN(signal_numbers); i++) {
        struct sigaction now;
        if (sigaction(signal_numbers[i], NULL, &now) != 0) {
            return false;
        }
        bool is_ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault;
        if (!is_ours) { /* noted first: once ours is there, it may be called and has to know */
            handlers.previous[i] = now;
            atomic_store(&handlers.is_spent[i], false);
        }
        if (!is_ours && sigaction(signal_numbers[i], &action, NULL) != 0) {
            return false;
        }
    }
    return true;
}

static void install(void)
{
    handlers.is_installed = pthread_key_create(&handlers.key, free_stack) == 0 && put_handlers();
}

static bool has_stack(void)
{
    stack_t old;
    return sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE) == 0;
}

static bool make_stack(void)
{
    void *stack =
        mmap(NULL, ALTERNATE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        return false;
    }
    const stack_t alternate = {.ss_sp = stack, .ss_size = ALTERNATE_BYTES};
    if (sigaltstack(&alternate, NULL) != 0 || pthread_setspecific(handlers.key, stack) != 0) {
        free_stack(stack);
        return false;
    }
    return true;
}

bool dv_signals_are_supported(void)
{
    return true;
}

/* A fault whose signal is blocked ends the process: threads that leave all signals to others block these too. */
static bool unblock(void)
{
    sigset_t own;
    sigemptyset(&own);
    for (usize i = 0; i < ARRAY_LEN(signal_numbers); i++) {
        sigaddset(&own, signal_numbers[i]);
    }
    return pthread_sigmask(SIG_UNBLOCK, &own, NULL) == 0;
}

bool dv_signals_prepare(void)
{
    if (DV_LIKELY(thread_state.is_prepared)) {
        return true;
    }
    thread_state.is_prepared = pthread_once(&handlers.once, install) == 0 &&
                               handlers.is_installed && (has_stack() || make_stack()) && unblock();
    return thread_state.is_prepared;
}

bool dv_signals_renew(void)
{
    return dv_signals_prepare() && put_handlers();
}

static void find_stack(void)
{
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    thread_state.knows_stack = true;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return;
    }
    if (pthread_attr_getstack(&attributes, &start, &size) == 0) {
        thread_state.stack = start;
        thread_state.stack_bytes = size;
    }
    pthread_attr_destroy(&attributes);
}

const u8 *dv_stack_end(const u8 *address)
{
    if (!thread_state.knows_stack) {
        find_stack();
    }
    bool is_inside = (uintptr_t)address - (uintptr_t)thread_state.stack < thread_state.stack_bytes;
    return is_inside ? thread_state.stack : NULL;
}

#else

static _Thread_local Activation *innermost;

Activation *dv_activation(void)
{
    return innermost;
}

void dv_activation_push(Activation *activation)
{
    activation->outer = innermost;
    innermost = activation;
}

bool dv_activation_resume(Activation *activation)
{
    innermost = activation;
    return false;
}

void dv_activation_pop(Activation *activation)
{
    innermost = activation->outer;
}

bool dv_signals_are_supported(void)
{
    return false;
}

bool dv_signals_prepare(void)
{
    return false;
}

bool dv_signals_renew(void)
{
    return false;
}

bool dv_signals_interrupt(void *context, u32 code)
{
    (void)context;
    (void)code;
    return false;
}

const u8 *dv_stack_end(const u8 *address)
{
    (void)address;
    return NULL;
}

#endif
