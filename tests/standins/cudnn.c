/* A libcudnn.so.9 whose convolutions seem to be planned and run, and compute nothing. For the unmodified onnxruntime-gpu,
   which opens it at the first convolution. Numbers are cudnn_graph.h's; what is not here is generated (build.py).
   STANDIN_LEAK: bytes of device memory that every plan of a convolution keeps: one for each shape of an input. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKEND_DESCRIPTOR = 15 };        /* cudnnBackendAttributeType_t */
enum { EXECUTION_PLAN_DESCRIPTOR = 4 }; /* cudnnBackendDescriptorType_t */

/* STANDIN_CUDNN_ABORT: as the real one does that cannot open its other parts. */
int cudnnCreate(void **handle) {
    if (getenv("STANDIN_CUDNN_ABORT")) { fputs("Could not load library libcudnn_cnn.so.9.\n", stderr); abort(); }
    *handle = malloc(8);
    return 0;
}
size_t cudnnGetVersion(void) { return 92000; }
size_t cudnnGetCudartVersion(void) { return 13000; }
const char *cudnnGetErrorString(int code) { (void)code; return "an error of the stand-in"; }
void cudnnGetLastErrorString(char *to, size_t size) { if (size) *to = 0; }
int cudnnBackendCreateDescriptor(int type, void **descriptor) { *descriptor = calloc(1, 64); memcpy(*descriptor, &type, sizeof type); return 0; }
int cudnnBackendDestroyDescriptor(void *descriptor) { free(descriptor); return 0; }
int cudnnBackendFinalize(void *descriptor) {
    int type;
    memcpy(&type, descriptor, sizeof type);
    if (type == EXECUTION_PLAN_DESCRIPTOR && getenv("STANDIN_LEAK")) {
        int (*take)(void **, size_t) = (int (*)(void **, size_t))dlsym(dlopen("libcudart.so.13", RTLD_NOW), "cudaMalloc");
        void *kept;
        take(&kept, (size_t)atoll(getenv("STANDIN_LEAK")));
    }
    return 0;
}
int cudnnBackendSetAttribute(void *d, int name, int type, int64_t n, const void *value) { (void)d; (void)name; (void)type; (void)n; (void)value; return 0; }
int cudnnBackendGetAttribute(void *d, int name, int type, int64_t wanted, int64_t *given, void *value) {
    (void)d; (void)name;
    if (given) *given = wanted < 1 || type == BACKEND_DESCRIPTOR ? 1 : wanted;
    if (value && wanted > 0 && type != BACKEND_DESCRIPTOR) memset(value, 0, 8);
    return 0;
}
int cudnnBackendExecute(void *handle, void *plan, void *pack) { (void)handle; (void)plan; (void)pack; return 0; }
/* Its name stands nowhere in onnxruntime as one string, so it is not among the generated ones. */
int cudnnAddTensor(void *h, const void *alpha, void *a, const void *A, const void *beta, void *c, void *C) {
    (void)h; (void)alpha; (void)a; (void)A; (void)beta; (void)c; (void)C; return 0;
}
