/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wake at its header: eventfd and pipe alike. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wake.h"

/* The pipe that stands in where there is no eventfd. */
static struct cf_wake pipe_wake(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    return (struct cf_wake){.read_fd = ends[0], .write_fd = ends[1]};
}

static bool is_readable(const struct cf_wake *wake)
{
    struct pollfd fd = {.fd = cf_wake_fd(wake), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void check_coalesces(struct cf_wake *wake)
{
    assert_false(is_readable(wake));
    assert_false(cf_wake_clear(wake));
    /* More signals than a pipe has room for: none blocks. */
    errno = 4711;
    for (int i = 0; i < 20000; i++) {
        cf_wake_signal(wake);
    }
    assert_int_equal(errno, 4711);
    assert_true(is_readable(wake));
    assert_true(cf_wake_clear(wake));
    assert_false(is_readable(wake));
    assert_false(cf_wake_clear(wake));
    cf_wake_signal(wake);
    assert_true(cf_wake_clear(wake));
    assert_false(is_readable(wake));
}

static void wake__signal__many_count_as_one(void **state)
{
    (void)state;
    struct cf_wake wake = CF_WAKE_INIT;
    assert_int_equal(cf_wake_open(&wake, NULL), CF_OK);
    check_coalesces(&wake);
    assert_true((fcntl(wake.read_fd, F_GETFD) & FD_CLOEXEC) != 0);
    cf_wake_close(&wake);
    assert_int_equal(wake.read_fd, -1);
    cf_wake_close(&wake);
}

static void wake__signal__works_over_a_pipe(void **state)
{
    (void)state;
    struct cf_wake wake = pipe_wake();
    check_coalesces(&wake);
    cf_wake_close(&wake);
}

static void *signal_once(void *arg)
{
    cf_wake_signal(arg);
    return NULL;
}

static void wake__signal__ends_a_poll_in_another_thread(void **state)
{
    (void)state;
    struct cf_wake wake = CF_WAKE_INIT;
    assert_int_equal(cf_wake_open(&wake, NULL), CF_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, signal_once, &wake), 0);
    struct pollfd fd = {.fd = cf_wake_fd(&wake), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, -1), 1);
    assert_true(cf_wake_clear(&wake));
    assert_int_equal(pthread_join(thread, NULL), 0);
    cf_wake_close(&wake);
}

static void wake__open__says_why_it_failed(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct cf_wake wake = CF_WAKE_INIT;
    struct cf_err err = CF_ERR_INIT;
    enum cf_code code = cf_wake_open(&wake, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(code, CF_ERR_IO);
    assert_string_equal(err.text, "cannot make a pipe between threads: Too many open files");
    assert_int_equal(wake.read_fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wake__signal__many_count_as_one),
        cmocka_unit_test(wake__signal__works_over_a_pipe),
        cmocka_unit_test(wake__signal__ends_a_poll_in_another_thread),
        cmocka_unit_test(wake__open__says_why_it_failed),
    };
    return cmocka_run_group_tests_name("wake", tests, NULL, NULL);
}
