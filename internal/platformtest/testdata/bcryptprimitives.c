// Wine before 9 lacks this library, from which Go's runtime takes its random numbers.
__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long size); // RtlGenRandom
__declspec(dllexport) int __stdcall ProcessPrng(void *buffer, unsigned long long size) {
  return SystemFunction036(buffer, (unsigned long)size);
}
