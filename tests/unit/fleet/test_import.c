/* What is published gets into the fleet's store: looked for and hashed in a transaction that reads,
 * added in one that writes and reads no file. */
#include "tests/unit/fleet/world.h"
#include "tests/unit/server/store_fixture.h"

#include <fcntl.h>

#include "server/release/import.h"

#define BYTES 5000u

/* The world, the releases, and what is known of them. */
struct scene {
    struct world *world;
    struct fixture *releases;
    struct import import;
};

static struct scene scene_new(void **state)
{
    struct world *world = world_new(state); /* may leave the test */
    return (struct scene){.world = world, .releases = fixture_new()};
}

static void scene_free(struct scene *scene)
{
    import_free(&scene->import);
    fixture_free(scene->releases);
    world_free(scene->world);
}

/* Of bytes that are all `byte`. */
static struct release published(struct scene *scene, const char *channel, const char *version,
                                uint8_t byte)
{
    static uint8_t bytes[BYTES];
    const struct store *store = &scene->releases->store;
    struct release release = fixture_release(version, byte, bytes, sizeof bytes);
    int lock;
    assert_int_equal(store_lock(store, &lock), STORE_OK);
    assert_int_equal(store_put_image(store, &release, bytes), STORE_OK);
    assert_int_equal(store_point(store, "thermo", channel, &release), STORE_OK);
    store_unlock(lock);
    return release;
}

static void image_path(const struct scene *scene, const struct release *release, char out[192])
{
    snprintf(out, 192, "%s/artifacts/%s.bin", scene->releases->folder, release->sha256);
}

/* *found, and the note it leaves. */
static const char *look(struct scene *scene, bool *found)
{
    assert_int_equal(db_begin(scene->world->db, DB_READ), DB_OK);
    int status = import_find(&scene->import, &scene->releases->store, scene->world->db);
    assert_int_equal(status, DB_OK);
    world_commit(scene->world);
    *found = scene->import.found;
    return scene->import.note;
}

static const char *take_in(struct scene *scene)
{
    (void)world_begin(scene->world);
    assert_int_equal(import_add(&scene->import, scene->world->db, scene->world->now), DB_OK);
    world_commit(scene->world);
    return scene->import.note;
}

static int64_t count(const struct scene *scene, const char *sql)
{
    int64_t number = -1;
    assert_int_equal(db_get_int(scene->world->db, sql, DB_NO_ARGS, &number), DB_ROW);
    return number;
}

#define SETS    "SELECT COUNT(*) FROM dist_set"
#define MODULES "SELECT COUNT(*) FROM module"

static void hashed_while_another_writes_added_without_the_file(void **state)
{
    struct scene scene = scene_new(state);
    struct release release = published(&scene, "stable", "1.0.0", 'x');
    struct db *writer = store_connect(state);
    char path[192];
    bool found;
    assert_int_equal(db_begin(writer, DB_WRITE), DB_OK);
    assert_int_equal(db_run(writer, "UPDATE tenant SET name = name", DB_NO_ARGS), DB_OK);
    assert_string_equal(look(&scene, &found), "");
    assert_true(found);
    db_rollback(writer);
    db_close(writer);
    assert_string_equal(scene.import.artifact.sha256, release.sha256);
    assert_int_equal(strlen(scene.import.artifact.sha1), 40);
    assert_int_equal(strlen(scene.import.artifact.md5), 32);
    assert_int_equal(scene.import.artifact.size, BYTES);
    assert_int_equal(scene.import.artifact.secure_version, 3);
    image_path(&scene, &release, path);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(take_in(&scene), "");
    assert_int_equal(count(&scene, SETS " WHERE name = 'thermo' AND version = '1.0.0'"), 1);
    assert_int_equal(count(&scene, "SELECT COUNT(*) FROM artifact WHERE filename = 'thermo.bin'"),
                     1);
    assert_int_equal(count(&scene, "SELECT COUNT(*) FROM audit WHERE verb = 'release.import'"), 1);
    assert_string_equal(look(&scene, &found), "");
    assert_false(found);
    assert_int_equal(scene.import.count, 1); /* not asked again */
    scene_free(&scene);
}

static void all_channels_in_one_look_and_each_release_once(void **state)
{
    struct scene scene = scene_new(state);
    bool found;
    published(&scene, "beta", "1.0.0", 'x');
    published(&scene, "stable", "1.0.0", 'x');
    published(&scene, "trial", "1.1.0", 'y');
    for (int i = 0; i < 2; i++) {
        assert_string_equal(look(&scene, &found), "");
        assert_true(found);
        assert_string_equal(take_in(&scene), "");
    }
    look(&scene, &found);
    assert_false(found);
    assert_int_equal(scene.import.count, 3);
    assert_int_equal(count(&scene, SETS), 2);
    published(&scene, "beta", "1.2.0", 'z'); /* and what comes next is seen */
    look(&scene, &found);
    assert_true(found);
    assert_string_equal(scene.import.artifact.version, "1.2.0");
    scene_free(&scene);
}

static void another_server_was_quicker(void **state)
{
    struct scene scene = scene_new(state);
    struct import other;
    bool found;
    published(&scene, "stable", "1.0.0", 'x');
    look(&scene, &found);
    other = scene.import;
    other.seen = NULL;
    other.count = 0;
    take_in(&scene);
    import_free(&scene.import);
    scene.import = other;
    assert_string_equal(take_in(&scene), "");
    assert_int_equal(count(&scene, SETS), 1);
    scene_free(&scene);
}

static void left_out_once_and_for_a_reason(void **state)
{
    struct scene scene = scene_new(state);
    char path[192];
    bool found;
    struct release bad = published(&scene, "stable", "1.0.0", 'x');
    image_path(&scene, &bad, path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "!", 1, 100), 1);
    close(fd);
    assert_string_equal(look(&scene, &found),
                        "thermo 1.0.0 of channel stable is not for devices of the fleet: "
                        "the image is not the one that was published");
    assert_false(found);
    assert_string_equal(look(&scene, &found), "");
    assert_false(found);
    published(&scene, "trial", "2.0.0", 'y');
    look(&scene, &found);
    take_in(&scene);
    published(&scene, "trial", "2.0.0", 'z');
    look(&scene, &found);
    assert_true(found);
    assert_string_equal(take_in(&scene),
                        "thermo 2.0.0 of channel trial is not for devices of the fleet: "
                        "there is a module thermo 2.0.0 already");
    assert_string_equal(look(&scene, &found), "");
    assert_false(found);
    assert_int_equal(count(&scene, MODULES), 1);
    assert_int_equal(count(&scene, SETS), 1);
    scene_free(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(hashed_while_another_writes_added_without_the_file),
        STORE_TESTS(all_channels_in_one_look_and_each_release_once),
        STORE_TESTS(another_server_was_quicker),
        STORE_TESTS(left_out_once_and_for_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
