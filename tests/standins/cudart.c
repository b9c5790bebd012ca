/* A libcudart.so.13 of a card on which everything seems to work: device memory is the process's own, kernels do nothing.
   For the unmodified onnxruntime-gpu, whose sessions then really have the CUDA provider. What is not here is generated
   (build.py) and answers cudaSuccess. Offsets in cudaDeviceProp are those of CUDA 13.0's driver_types.h.
   STANDIN_SETDEVICE: cudaError_t of cudaSetDevice (46: busy). STANDIN_BUSY: a file, while which is there the card is busy. STANDIN_LAUNCH: of a kernel launch (209: no kernel image).
   STANDIN_CAPABILITY (75), STANDIN_NAME. STANDIN_HELD: a folder with a file for each process, named after its number, of the
   bytes of device memory that it holds, from which the stand-in of NVML counts, and the most that it held. STANDIN_CONTEXT: bytes that a process
   holds from its first allocation on. STANDIN_ROOM: bytes that a process may hold. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int error;
static int number(const char *name, int otherwise) { const char *v = getenv(name); return v && *v ? atoi(v) : otherwise; }
static error last;

error cudaGetDeviceCount(int *n) { *n = 1; return 0; }
error cudaGetDevice(int *n) { *n = 0; return 0; }
error cudaSetDevice(int n) {
    (void)n;
    const char *busy = getenv("STANDIN_BUSY");
    return busy && !access(busy, F_OK) ? 46 : number("STANDIN_SETDEVICE", 0);
}
error cudaDriverGetVersion(int *v) { *v = 13000; return 0; }
error cudaRuntimeGetVersion(int *v) { *v = 13000; return 0; }
error cudaDeviceGetAttribute(int *v, int attribute, int device) {
    (void)device;
    int capability = number("STANDIN_CAPABILITY", 75);
    *v = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : attribute == 16 ? 40 : attribute == 1 ? 1024 : 1;
    return 0;
}
static void put(char *to, int offset, int value) { memcpy(to + offset, &value, sizeof value); }
error cudaGetDeviceProperties(char *p, int device) {
    (void)device;
    memset(p, 0, 1008);
    const char *name = getenv("STANDIN_NAME");
    snprintf(p, 256, "%s", name ? name : "Tesla T4");
    unsigned long long memory = 15ULL << 30, shared = 49152;
    memcpy(p + 288, &memory, 8);
    memcpy(p + 296, &shared, 8);
    put(p, 304, 65536); put(p, 308, 32); put(p, 320, 1024); put(p, 324, 1024); put(p, 328, 1024); put(p, 332, 64);
    put(p, 336, 1 << 30); put(p, 340, 65535); put(p, 344, 65535); put(p, 384, 40); put(p, 604, 1024);
    put(p, 360, number("STANDIN_CAPABILITY", 75) / 10); put(p, 364, number("STANDIN_CAPABILITY", 75) % 10);
    return 0;
}
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long long held, most;
static long long bytes(const char *name, long long otherwise) { const char *v = getenv(name); return v && *v ? atoll(v) : otherwise; }
/* Whether there is room for so many bytes more; then they count. */
static int hold(long long more) {
    pthread_mutex_lock(&lock);
    long long now = (held ? held : bytes("STANDIN_CONTEXT", 0)) + more;
    int fits = more <= 0 || now <= bytes("STANDIN_ROOM", 1LL << 60);
    if (fits) held = now;
    if (held > most) most = held;
    const char *folder = getenv("STANDIN_HELD");
    if (fits && folder) {
        char path[4096], text[64];
        snprintf(path, sizeof path, "%s/%d", folder, (int)getpid());
        int file = open(path, O_WRONLY | O_CREAT, 0644);
        int length = snprintf(text, sizeof text, "%020lld %020lld", held, most);
        if (file < 0 || pwrite(file, text, length, 0) != length) abort();
        close(file);
    }
    pthread_mutex_unlock(&lock);
    return fits;
}
error cudaMalloc(void **p, size_t n) {
    *p = calloc(1, n ? n : 1);
    if (hold((long long)malloc_usable_size(*p))) return 0;
    free(*p);
    *p = NULL;
    return last = 2;
}
error cudaMallocHost(void **p, size_t n) { *p = calloc(1, n ? n : 1); return 0; }
error cudaHostAlloc(void **p, size_t n, unsigned flags) { (void)flags; return cudaMallocHost(p, n); }
error cudaFree(void *p) {
    if (p) hold(-(long long)malloc_usable_size(p));
    free(p);
    return 0;
}
error cudaFreeHost(void *p) { free(p); return 0; }
error cudaMemcpy(void *to, const void *from, size_t n, int kind) { (void)kind; memcpy(to, from, n); return 0; }
error cudaMemcpyAsync(void *to, const void *from, size_t n, int kind, void *stream) { (void)kind; (void)stream; memcpy(to, from, n); return 0; }
error cudaMemset(void *to, int value, size_t n) { memset(to, value, n); return 0; }
error cudaMemsetAsync(void *to, int value, size_t n, void *stream) { (void)stream; memset(to, value, n); return 0; }
error cudaMemGetInfo(size_t *available, size_t *total) { *available = 14ULL << 30; *total = 15ULL << 30; return 0; }
error cudaStreamCreate(void **s) { *s = malloc(8); return 0; }
error cudaStreamCreateWithFlags(void **s, unsigned flags) { (void)flags; return cudaStreamCreate(s); }
error cudaEventCreate(void **e) { *e = malloc(8); return 0; }
error cudaEventCreateWithFlags(void **e, unsigned flags) { (void)flags; return cudaEventCreate(e); }
error cudaStreamIsCapturing(void *stream, int *status) { (void)stream; *status = 0; return 0; }
error cudaPointerGetAttributes(void *a, const void *p) { (void)p; memset(a, 0, 88); return 0; }
error cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *n) { *n = 1; return 0; }
error cudaLaunchKernel(void) { return last = number("STANDIN_LAUNCH", 0); }
error __cudaLaunchKernel(void) { return cudaLaunchKernel(); } /* what nvcc 13 compiles a launch into */
error cudaGetLastError(void) { error one = last; last = 0; return one; }
error cudaPeekAtLastError(void) { return last; }
const char *cudaGetErrorString(error e) {
    return e == 2 ? "out of memory" : e == 46 ? "CUDA-capable device(s) is/are busy or unavailable" : e == 209 ? "no kernel image is available for execution on the device" : "an error of the stand-in";
}
const char *cudaGetErrorName(error e) { (void)e; return "cudaErrorOfTheStandIn"; }
void **__cudaRegisterFatBinary(void *binary) { static void *handle[1]; (void)binary; return handle; }
