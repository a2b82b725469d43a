/* A disk that is slow or full, for tests: loaded before the C library (LD_PRELOAD).

   FAULTY_FSYNC_MS   milliseconds that every fsync and fdatasync takes longer
   FAULTY_DISK_FULL  a path: while it exists, writing at an offset fails, as SQLite writes */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void nap(void) {
    const char *said = getenv("FAULTY_FSYNC_MS");
    long ms = said ? atol(said) : 0;
    struct timespec span = {ms / 1000, ms % 1000 * 1000000L};
    if (ms > 0) nanosleep(&span, 0);
}

static int full(void) {
    const char *flag = getenv("FAULTY_DISK_FULL");
    return flag && access(flag, F_OK) == 0;
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    nap();
    return real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    nap();
    return real(file);
}

ssize_t pwrite64(int file, const void *data, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    if (full()) {
        errno = ENOSPC;
        return -1;
    }
    return real(file, data, count, offset);
}

ssize_t pwrite(int file, const void *data, size_t count, off_t offset) {
    return pwrite64(file, data, count, offset);
}
