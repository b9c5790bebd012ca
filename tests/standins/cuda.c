/* A libcuda.so.1 that answers from environment variables: for the real libcudart, onnxruntime-gpu and the doctor's own
   looking, without a GPU. Names and numbers are cuda.h's. Unset variables mean one healthy Tesla T4.
   STANDIN_CUINIT: CUresult of cuInit, or "hang"; STANDIN_ONLY_IN: of the library in a folder of that name alone. STANDIN_CUDA: cuDriverGetVersion (13000). STANDIN_COUNT: cards.
   STANDIN_NAME, STANDIN_CAPABILITY (75), STANDIN_VISIBLE: cards that CUDA sees; CUDA_VISIBLE_DEVICES counts only as
   "", "-1" (none) and one number. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *text(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value ? value : otherwise;
}
static int number(const char *name, int otherwise) { return atoi(text(name, "")) || *text(name, "") ? atoi(text(name, "")) : otherwise; }

static int first(void) {
    const char *visible = text("CUDA_VISIBLE_DEVICES", "0");
    return *visible == '\0' ? -1 : atoi(visible);
}
static int count(void) {
    int all = number("STANDIN_VISIBLE", number("STANDIN_COUNT", 1));
    if (first() < 0 || first() >= all) return 0;
    return getenv("CUDA_VISIBLE_DEVICES") ? 1 : all;
}

int cuInit(unsigned flags);

static int is_meant(void) {
    Dl_info own;
    return dladdr((void *)cuInit, &own) && strstr(own.dli_fname, text("STANDIN_ONLY_IN", "")) != NULL;
}

int cuInit(unsigned flags) {
    (void)flags;
    if (!strcmp(text("STANDIN_CUINIT", ""), "hang")) for (;;) pause();
    if (number("STANDIN_CUINIT", 0) && is_meant()) return number("STANDIN_CUINIT", 0);
    return count() ? 0 : 100;
}
int cuDriverGetVersion(int *version) { *version = number("STANDIN_CUDA", 13000); return 0; }
int cuDeviceGetCount(int *n) { *n = count(); return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < count() ? 0 : 101; }
int cuDeviceGetName(char *to, int size, int device) { (void)device; snprintf(to, size, "%s", text("STANDIN_NAME", "Tesla T4")); return 0; }
int cuDeviceGetUuid(unsigned char *to, int device) {
    static const unsigned char plain[16] = {0, 0, 0, 0, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44};
    memcpy(to, plain, 16);
    to[3] = (unsigned char)(first() + device);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    int capability = number("STANDIN_CAPABILITY", 75);
    *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : 1;
    return 0;
}
int cuGetErrorName(int code, const char **name) {
    static const struct { int code; const char *name; } names[] = {
        {0, "CUDA_SUCCESS"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {3, "CUDA_ERROR_NOT_INITIALIZED"}, {34, "CUDA_ERROR_STUB_LIBRARY"},
        {46, "CUDA_ERROR_DEVICE_UNAVAILABLE"}, {100, "CUDA_ERROR_NO_DEVICE"}, {802, "CUDA_ERROR_SYSTEM_NOT_READY"},
        {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}, {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"}, {999, "CUDA_ERROR_UNKNOWN"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code) { *name = names[i].name; return 0; }
    return 1;
}
/* How the real libcudart finds everything else. What is not above is there and says nothing, since cuInit ends it before. */
static int nothing(void) { return 0; }
int cuGetProcAddress_v2(const char *symbol, void **function, int version, unsigned long long flags, int *found) {
    (void)version; (void)flags;
    if (!strcmp(symbol, "cuGetProcAddress")) symbol = "cuGetProcAddress_v2";
    void *known = dlsym(RTLD_DEFAULT, symbol);
    *function = known ? known : (void *)nothing;
    if (found) *found = 0;
    return 0;
}
int cuGetExportTable(const void **table, const void *id) { (void)id; *table = NULL; return 1; }
int cuTensorMapEncodeTiled(void) { return 0; }
