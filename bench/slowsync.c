/* A disk that takes a while to say that all is written: loaded before the C library, it lets every fsync and fdatasync wait first,
   for SLOWSYNC_US microseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static void wait_first(void) {
    const char *microseconds = getenv("SLOWSYNC_US");
    usleep(microseconds ? (useconds_t)atoi(microseconds) : 1000);
}

int fdatasync(int file) {
    static sync_function real;
    if (!real) real = (sync_function)dlsym(RTLD_NEXT, "fdatasync");
    wait_first();
    return real(file);
}

int fsync(int file) {
    static sync_function real;
    if (!real) real = (sync_function)dlsym(RTLD_NEXT, "fsync");
    wait_first();
    return real(file);
}
