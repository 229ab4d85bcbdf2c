/* Older versions of Wine have no bcryptprimitives.dll, from which Rust's standard library takes
   its random bytes. This one passes on what Wine has elsewhere. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) {
  return SystemFunction036(buffer, (ULONG)length);
}
