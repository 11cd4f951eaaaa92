/* WASI: nothing outside a preopened directory can be reached. Every way out that is tried leads into the
 * world's own scratch directory, to things made for it: a sandbox that leaks must not let this test, run by
 * whoever may do everything, change or remove what is not its own.
 *
 * Tried: every function that takes a path, with every
 * way out we know: "..", absolute paths, symbolic links in each position, and somebody who moves
 * directories while the program walks through them. */
#include "wasi_testing.h"

#include "base/atomic.h"
#include "base/threads.h"

#include <time.h>

/* What each function gives for a path, its other arguments being harmless. Descriptors that are opened are closed. */
typedef struct Attempt {
    const char *what;
    u32 (*try)(World *w, const char *path);
} Attempt;

static u32 try_open_how(World *w, const char *path, u32 lookup, u32 oflags)
{
    u32 error =
        CALL(w, "path_open", ROOT, lookup, PATH(w, path), oflags, RIGHT_FD_READ, 0, 0, OUT_AT);
    if (error == WASI_ESUCCESS) {
        assert_int_equal(CALL(w, "fd_close", get_u32(w, OUT_AT)), WASI_ESUCCESS);
    }
    return error;
}

static u32 try_open(World *w, const char *path)
{
    return try_open_how(w, path, 0, 0);
}

static u32 try_open_follow(World *w, const char *path)
{
    return try_open_how(w, path, LOOKUPFLAGS_SYMLINK_FOLLOW, 0);
}

static u32 try_create(World *w, const char *path)
{
    return try_open_how(w, path, LOOKUPFLAGS_SYMLINK_FOLLOW, OFLAGS_CREAT);
}

static u32 try_open_dir(World *w, const char *path)
{
    return try_open_how(w, path, LOOKUPFLAGS_SYMLINK_FOLLOW, OFLAGS_DIRECTORY);
}

static u32 try_stat(World *w, const char *path)
{
    return CALL(w, "path_filestat_get", ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, PATH(w, path), OUT_AT);
}

static u32 try_times(World *w, const char *path)
{
    return CALL(w, "path_filestat_set_times", ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, PATH(w, path), 1, 1,
                FSTFLAGS_MTIM);
}

static u32 try_mkdir(World *w, const char *path)
{
    return CALL(w, "path_create_directory", ROOT, PATH(w, path));
}

static u32 try_rmdir(World *w, const char *path)
{
    return CALL(w, "path_remove_directory", ROOT, PATH(w, path));
}

static u32 try_unlink(World *w, const char *path)
{
    return CALL(w, "path_unlink_file", ROOT, PATH(w, path));
}

static u32 try_rename_from(World *w, const char *path)
{
    return CALL(w, "path_rename", ROOT, PATH(w, path), ROOT, PATH2(w, "stolen"));
}

static u32 try_rename_to(World *w, const char *path)
{
    return CALL(w, "path_rename", ROOT, PATH2(w, "own"), ROOT, PATH(w, path));
}

static u32 try_link_from(World *w, const char *path)
{
    return CALL(w, "path_link", ROOT, 0, PATH(w, path), ROOT, PATH2(w, "stolen"));
}

static u32 try_link_to(World *w, const char *path)
{
    return CALL(w, "path_link", ROOT, 0, PATH2(w, "own"), ROOT, PATH(w, path));
}

static u32 try_symlink(World *w, const char *path)
{
    return CALL(w, "path_symlink", PATH2(w, "own"), ROOT, PATH(w, path));
}

static u32 try_readlink(World *w, const char *path)
{
    return CALL(w, "path_readlink", ROOT, PATH(w, path), DATA_AT, 100, OUT_AT);
}

static const Attempt attempts[] = {
    {"path_open", try_open},
    {"path_open, follow", try_open_follow},
    {"path_open, create", try_create},
    {"path_open, directory", try_open_dir},
    {"path_filestat_get", try_stat},
    {"path_filestat_set_times", try_times},
    {"path_create_directory", try_mkdir},
    {"path_remove_directory", try_rmdir},
    {"path_unlink_file", try_unlink},
    {"path_rename from", try_rename_from},
    {"path_rename to", try_rename_to},
    {"path_link from", try_link_from},
    {"path_link to", try_link_to},
    {"path_symlink", try_symlink},
    {"path_readlink", try_readlink},
};

/* The outside is as it was: one file, its text, an old time. */
static void check_outside(World *w)
{
    struct stat stat_now;
    char text[16] = "";
    assert_int_equal(stat(path_in(w->outside, "secret"), &stat_now), 0);
    assert_int_equal(stat_now.st_size, 6);
    assert_int_equal(stat_now.st_nlink, 1);
    assert_true(stat_now.st_mtime > 1000);
    FILE *file = fopen(path_in(w->outside, "secret"), "rb");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text, file), 6);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "secret");
    assert_int_equal(access(path_in(w->outside, "new"), F_OK), -1);
    assert_int_equal(access(path_in(w->top, "new"), F_OK), -1);
    assert_int_equal(access(path_in(w->root, "stolen"), F_OK), -1);
}

/* Directories, a file "own", and links of every kind that leads out. */
static void set_up(World *w)
{
    char text[256];
    world_open(w, NULL);
    write_file(path_in(w->root, "own"), "own");
    assert_int_equal(mkdir(path_in(w->root, "dir"), 0777), 0);
    assert_int_equal(mkdir(path_in(w->root, "dir/sub"), 0777), 0);
    assert_int_equal(symlink(w->outside, path_in(w->root, "absolute")), 0);
    assert_int_equal(snprintf(text, sizeof text, "%s/secret", w->outside) > 0, 1);
    assert_int_equal(symlink(text, path_in(w->root, "absolute-file")), 0);
    assert_int_equal(symlink("../outside", path_in(w->root, "up")), 0);
    assert_int_equal(symlink("../outside/secret", path_in(w->root, "up-file")), 0);
    assert_int_equal(symlink("../outside/new", path_in(w->root, "up-dangling")), 0);
    assert_int_equal(symlink("..", path_in(w->root, "parent")), 0);
    assert_int_equal(symlink(w->top, path_in(w->root, "top")), 0);
    assert_int_equal(symlink("dir/sub/../../..", path_in(w->root, "longer")), 0);
    assert_int_equal(symlink("up", path_in(w->root, "via")), 0);
    assert_int_equal(symlink("../up", path_in(w->root, "dir/via")), 0);
    assert_int_equal(symlink("../../../outside", path_in(w->root, "dir/sub/out")), 0);
}

/* Every function says EPERM. */
static void check_refused(World *w, const char *path)
{
    for (usize a = 0; a < ARRAY_LEN(attempts); a++) {
        u32 error = attempts[a].try(w, path);
        /* A name with a slash that is a link is not followed by what changes names. */
        bool kept = strchr(path, '/') == path + strlen(path) - 1 &&
                    (error == WASI_EEXIST || error == WASI_ENOTDIR || error == WASI_EISDIR);
        if (error != WASI_EPERM && !kept) {
            fail_msg("%s '%s': errno %u", attempts[a].what, path, (unsigned)error);
        }
    }
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "..",
        "../",
        "../outside",
        "../outside/secret",
        "../outside/new",
        "../root/own",
        "dir/../../outside/secret",
        "dir/sub/../../../outside/secret",
        "./.././outside/secret",
        "dir/./../..//outside/secret",
        "absolute/secret",
        "absolute/new",
        "absolute/",
        "up/secret",
        "up/new",
        "up/",
        "up/.",
        "up/..",
        "parent/outside/secret",
        "parent/",
        "parent/root/own",
        "top/outside/secret",
        "top/",
        "longer/outside/secret",
        "via/secret",
        "dir/via/secret",
        "dir/sub/out/secret",
        "dir/sub/out/../secret",
    };
    World w;
    set_up(&w);
    for (usize p = 0; p < ARRAY_LEN(paths); p++) {
        check_refused(&w, paths[p]);
    }
    char absolute[256];
    (void)snprintf(absolute, sizeof absolute, "%s/secret", w.outside);
    check_refused(&w, absolute);
    (void)snprintf(absolute, sizeof absolute, "//%s/new", w.outside);
    check_refused(&w, absolute);
    /* The host's root is only looked at. */
    assert_int_equal(try_open_dir(&w, "/"), WASI_EPERM);
    assert_int_equal(try_stat(&w, "//"), WASI_EPERM);
    check_outside(&w);
    world_close(&w);
}

/* The last component is a link that leads out: following is refused, not following acts on the link. */
static void test_last_links(void **state)
{
    (void)state;
    static const char *const links[] = {"absolute", "absolute-file", "up",
                                        "up-file",  "up-dangling",   "parent",
                                        "top",      "longer",        "via"};
    World w;
    for (usize i = 0; i < ARRAY_LEN(links); i++) {
        set_up(&w);
        assert_int_equal(try_open(&w, links[i]), WASI_ELOOP);
        assert_int_equal(try_open_follow(&w, links[i]), WASI_EPERM);
        assert_int_equal(try_create(&w, links[i]), WASI_EPERM);
        assert_int_equal(try_open_dir(&w, links[i]), WASI_EPERM);
        assert_int_equal(try_stat(&w, links[i]), WASI_EPERM);
        assert_int_equal(try_times(&w, links[i]), WASI_EPERM);
        assert_int_equal(try_mkdir(&w, links[i]), WASI_EEXIST);
        assert_int_equal(try_rmdir(&w, links[i]), WASI_ENOTDIR);
        assert_int_equal(try_symlink(&w, links[i]), WASI_EEXIST);
        assert_int_equal(try_link_to(&w, links[i]), WASI_EEXIST);
        assert_int_equal(CALL(&w, "path_open", ROOT, 1, PATH(&w, links[i]),
                              OFLAGS_CREAT | OFLAGS_EXCL, 0, 0, 0, OUT_AT),
                         WASI_EEXIST);
        assert_int_equal(
            CALL(&w, "path_open", ROOT, 1, PATH(&w, links[i]), OFLAGS_TRUNC, 0, 0, 0, OUT_AT),
            WASI_EPERM);
        assert_int_equal(try_readlink(&w, links[i]), WASI_ESUCCESS);
        check_outside(&w);
        /* The link itself may be moved, linked and removed. */
        assert_int_equal(
            CALL(&w, "path_rename", ROOT, PATH(&w, links[i]), ROOT, PATH2(&w, "moved")),
            WASI_ESUCCESS);
        assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "own"), ROOT, PATH2(&w, "moved")),
                         WASI_ESUCCESS);
        assert_int_equal(try_unlink(&w, "moved"), WASI_ESUCCESS);
        check_outside(&w);
        world_close(&w);
    }
}

/* From a descriptor further below, what lies between it and the preopened directory is outside, too. */
static void test_below(void **state)
{
    (void)state;
    World w;
    u32 dir;
    u32 fd;
    set_up(&w);
    assert_int_equal(
        open_path(&w, ROOT, "dir", OFLAGS_DIRECTORY, RIGHTS_ALL & ~RIGHT_FD_WRITE, &dir),
        WASI_ESUCCESS);
    assert_int_equal(open_path(&w, dir, "../own", 0, 0, &fd), WASI_EPERM);
    assert_int_equal(open_path(&w, dir, "via/secret", 0, 0, &fd), WASI_EPERM);
    assert_int_equal(open_path(&w, dir, "sub/../..", 0, 0, &fd), WASI_EPERM);
    assert_int_equal(open_path(&w, dir, "sub/..", 0, 0, &fd), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "dir/sub/../../own", 0, 0, &fd), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_rename", dir, PATH(&w, "sub"), ROOT, PATH2(&w, "sub")),
                     WASI_ESUCCESS);
    world_close(&w);
}

/* Paths that are long, deep, or full of links end in an error, soon. */
static void test_bounds(void **state)
{
    (void)state;
    World w;
    char path[4096];
    set_up(&w);
    path[0] = '\0';
    while (strlen(path) < sizeof path - 16) {
        strcat(path, "dir/../");
    }
    assert_int_equal(try_stat(&w, path), WASI_ESUCCESS);
    strcat(path, "../");
    assert_int_equal(try_stat(&w, path), WASI_EPERM);
    /* Links that double: 2^40 components if somebody walked them all. */
    assert_int_equal(symlink(".", path_in(w.root, "l0")), 0);
    for (u32 i = 1; i <= 40; i++) {
        char text[64];
        char name[64];
        (void)snprintf(text, sizeof text, "l%u/l%u", (unsigned)i - 1, (unsigned)i - 1);
        (void)snprintf(name, sizeof name, "l%u", (unsigned)i);
        assert_int_equal(symlink(text, path_in(w.root, name)), 0);
    }
    assert_int_equal(try_stat(&w, "l5"), WASI_ELOOP);
    assert_int_equal(try_stat(&w, "l4"), WASI_ESUCCESS);
    assert_int_equal(try_stat(&w, "l40"), WASI_ELOOP);
    /* Deeper than the walk keeps directories open. */
    u32 depth = 0;
    path[0] = '\0';
    while (depth < 400) {
        strcat(path, "d/");
        u32 error = try_mkdir(&w, path);
        if (error != WASI_ESUCCESS) {
            assert_int_equal(error, WASI_ENAMETOOLONG);
            break;
        }
        depth++;
    }
    assert_int_equal(depth, 257);
    /* No descriptor is left open by all this. */
    int next = open("/dev/null", O_RDONLY);
    assert_true(next >= 0 && next < 32);
    assert_int_equal(close(next), 0);
    world_close(&w);
}

/* ---- Races ---- */

enum { RACE_SECONDS = 3 };

typedef struct Race {
    World *w;
    _Alignas(4) u8 over[4]; /* by dv_atomic_load */
    u64 opened;
    u64 refused;
    u64 escaped;
    u64 swaps;
} Race;

/* Somebody outside the sandbox swaps a directory with a link that leads out, and moves the directory
 * that the program walks through away and back. */
static void swap(Race *race)
{
    char real[256];
    char kept[256];
    char link_out[256];
    char deep[256];
    char away[256];
    (void)snprintf(real, sizeof real, "%s/swap", race->w->root);
    (void)snprintf(kept, sizeof kept, "%s/swap-kept", race->w->root);
    (void)snprintf(link_out, sizeof link_out, "%s/swap-link", race->w->root);
    (void)snprintf(deep, sizeof deep, "%s/a/b", race->w->root);
    (void)snprintf(away, sizeof away, "%s/b", race->w->top);
    while (dv_atomic_load(race->over, 4, false) == 0) {
        assert_int_equal(rename(real, kept), 0);
        assert_int_equal(symlink("../outside", real), 0);
        assert_int_equal(rename(real, link_out), 0);
        assert_int_equal(rename(kept, real), 0);
        assert_int_equal(unlink(link_out), 0);
        assert_int_equal(rename(deep, away), 0);
        assert_int_equal(rename(away, deep), 0);
        race->swaps++;
    }
}

/* What was opened: "inside" or "secret". */
static void look_at(Race *race, u32 fd)
{
    assert_int_equal(read_text(race->w, fd), WASI_ESUCCESS);
    if (strcmp(data_text(race->w), "inside") == 0) {
        race->opened++;
    } else {
        race->escaped++;
    }
    assert_int_equal(CALL(race->w, "fd_close", fd), WASI_ESUCCESS);
}

static void walk(Race *race)
{
    static const char *const paths[] = {
        "swap/secret",
        "a/b/../../swap/secret",
        "a/b/../../secret",
        "a/b/../../outside/secret",
        "a/b/../../../outside/secret",
        "to-swap/secret",
    };
    World *w = race->w;
    time_t end = time(NULL) + RACE_SECONDS;
    for (u64 i = 0; time(NULL) < end; i++) {
        const char *path = paths[i % ARRAY_LEN(paths)];
        u32 error =
            CALL(w, "path_open", ROOT, i & 1, PATH(w, path), 0, RIGHT_FD_READ, 0, 0, OUT_AT);
        if (error == WASI_ESUCCESS) {
            look_at(race, get_u32(w, OUT_AT));
        } else {
            race->refused++;
        }
        /* Writing must not get out either. */
        (void)try_create(w, "swap/new");
        (void)try_mkdir(w, "swap/new-dir");
        (void)try_unlink(w, "swap/new");
        (void)try_rmdir(w, "swap/new-dir");
        (void)try_stat(w, "swap");
    }
    dv_atomic_store(race->over, 4, false, 1);
}

static void run_race(void *context, u32 worker)
{
    Race *race = context;
    if (worker == 0) {
        walk(race);
    } else {
        swap(race);
    }
}

static void test_races(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    assert_int_equal(mkdir(path_in(w.root, "swap"), 0777), 0);
    write_file(path_in(w.root, "swap/secret"), "inside");
    write_file(path_in(w.root, "secret"), "inside");
    assert_int_equal(mkdir(path_in(w.root, "a"), 0777), 0);
    assert_int_equal(mkdir(path_in(w.root, "a/b"), 0777), 0);
    assert_int_equal(symlink("a/../swap", path_in(w.root, "to-swap")), 0);
    Race race = {.w = &w};
    dv_threads_run(2, run_race, &race);
    assert_int_equal(race.escaped, 0);
    assert_true(race.opened > 0);
    assert_true(race.refused > 0);
    if (DV_THREADS) {
        assert_true(race.swaps > 0);
    }
    check_outside(&w);
    assert_int_equal(access(path_in(w.outside, "new-dir"), F_OK), -1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths), cmocka_unit_test(test_last_links),
        cmocka_unit_test(test_below), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
