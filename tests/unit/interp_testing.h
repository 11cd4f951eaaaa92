/* interp_testing.h - running hand-assembled bytecode in tests: a World is a module, an instance of it with
 * memories, tables and so on of modest size, and an Interp of one dispatch form. Every module is verified before
 * it runs. */
#ifndef DV_INTERP_TESTING_H
#define DV_INTERP_TESTING_H

#include "pulley_testing.h"

#include "interp/interp.h"

enum {
    WORLD_ENTITIES = 8, /* of a kind at most */
    WORLD_PAGES = 1,    /* of a memory at first, and at most */
    WORLD_PAGES_MAX = 4,
    WORLD_PAGE_BYTES = 256,
    WORLD_ELEMS = 10,
    WORLD_ELEMS_MAX = 20
};

/* An instance and what it names. */
typedef struct Room {
    PulleyModule module;
    InterpInstance *instance;
    InterpMemory memories[WORLD_ENTITIES];
    InterpTable tables[WORLD_ENTITIES];
    u64 globals[WORLD_ENTITIES][2];
    InterpTag tags[WORLD_ENTITIES];
} Room;

typedef struct World {
    Fixture *f;
    Interp *vm;
    Room rooms[3];
    u32 room_count;
} World;

static inline InterpConfig world_config(Fixture *f, InterpForm form)
{
    return (InterpConfig){.allocator = f->pool.allocator, .form = form, .stack_bytes = 1 << 16};
}

static inline World *world_open(Fixture *f, const InterpConfig *config)
{
    World *world = ARENA_NEW(&f->arena, World);
    world->f = f;
    world->vm = dv_interp_new(config);
    assert_non_null(world->vm);
    assert_int_equal(dv_interp_form(world->vm), config->form);
    return world;
}

static inline void world_close(World *world)
{
    dv_interp_free(world->vm);
    for (u32 i = 0; i < world->room_count; i++) {
        for (u32 k = 0; k < WORLD_ENTITIES; k++) {
            dv_memory_free_malloc(&world->rooms[i].memories[k]);
            dv_table_free_malloc(&world->rooms[i].tables[k]);
        }
    }
}

static inline void fill_room(Room *room)
{
    const PulleyModule *m = &room->module;
    InterpInstance *instance = room->instance;
    assert_in_range(m->memories.len | m->tables.len | m->globals.len | m->tags.len, 0,
                    WORLD_ENTITIES - 1);
    for (u32 i = 0; i < m->memories.len; i++) {
        assert_true(dv_memory_init_malloc(&room->memories[i], &m->memories.data[i],
                                          WORLD_PAGE_BYTES, WORLD_PAGES, WORLD_PAGES_MAX));
        instance->memories[i] = &room->memories[i];
    }
    for (u32 i = 0; i < m->tables.len; i++) {
        assert_true(dv_table_init_malloc(&room->tables[i], &m->tables.data[i], WORLD_ELEMS,
                                         WORLD_ELEMS_MAX));
        instance->tables[i] = &room->tables[i];
    }
    for (u32 i = 0; i < m->globals.len; i++) {
        instance->globals[i] = room->globals[i];
    }
    for (u32 i = 0; i < m->tags.len; i++) {
        room->tags[i].args = m->types.data[m->tags.data[i]].args;
        instance->tags[i] = &room->tags[i];
    }
}

/* Adds an instance of the module in `text`, for this host's byte order. */
static inline Room *world_add(World *world, const char *text)
{
    Room *room = &world->rooms[world->room_count++];
    PulleyFault fault;
    room->module = assemble_in(world->f, text, dv_host_is_big());
    assert_string_equal(verdict(world->f, &room->module, &fault), "");
    assert_int_equal(dv_instance_new(world->vm, &room->module, &room->instance), DAVIT_OK);
    fill_room(room);
    return room;
}

/* A function of the instance by its number among the module's own. */
static inline InterpFunc *own_func(const Room *room, u32 number)
{
    InterpFunc *func = dv_instance_func(room->instance, room->module.imports.len + number);
    assert_non_null(func);
    return func;
}

static inline InterpOutcome call_own(World *world, const Room *room, u32 number, u64 *slots)
{
    return dv_interp_call(world->vm, own_func(room, number), slots);
}

/* Runs the statement for every form of this build. */
#define FOR_FORMS(form) \
    for (u32 form = INTERP_SWITCH; form <= INTERP_PROFILE; form++) \
        if (dv_interp_has_form((InterpForm)form))

static inline const char *raw_profile(void)
{
    return sizeof(void *) == 8 ? "profile raw64\n" : "profile raw32\n";
}

#endif
