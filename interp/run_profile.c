/* run_profile.c - the switch form of the dispatch loop, counting every instruction and telling on_step of it. */
#include "interp/engine.h"

static u32 op_at(const u8 *pc)
{
    u32 page = pc[0] >= PULLEY_ESCAPE ? 256u - pc[0] : 0;
    u32 opcode = pc[page == 0 ? 0 : 1];
    return dv_pulley_pages[page] + opcode;
}

static void step(Interp *vm, const u8 *pc, const u64 *fp)
{
    const PulleyModule *module = vm->instance->module;
    usize offset = (usize)((uintptr_t)pc - (uintptr_t)module->code);
    u32 op = op_at(pc);
    if (offset >= module->code_size_bytes) {
        vm->last_op = op; /* one of the interpreter's own, which nobody has written */
        return;
    }
    if (pc == vm->again) {
        vm->again = NULL;
        return;
    }
    vm->again = NULL;
    vm->instance->word_counts[offset / 4]++;
    vm->profile->steps++;
    vm->profile->ops[op]++;
    vm->profile->pairs[vm->last_op][op]++;
    vm->last_op = op;
    if (vm->config.on_step != NULL) {
        vm->config.on_step(vm->config.context, vm, pc, fp);
    }
}

#define LOOP_STEP() step(vm, pc, fp)
#define dv_interp_run_switch dv_interp_run_profile
#include "interp/run_switch.c"
