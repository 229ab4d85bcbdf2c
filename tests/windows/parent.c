/* Starts the program that its arguments name, and shares its own input and output with it.
   The word SELF in the arguments becomes the number of this process.

   When there is a file "look" in the current folder, it tries to open the memory of the program
   and says how that went. Ends with the program's exit code. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define LONGEST 8192

int main(int count, char **words) {
  static char line[LONGEST];
  size_t used = 0;
  for (int at = 1; at < count && used < LONGEST; at++) {
    char self[16];
    snprintf(self, sizeof self, "%lu", GetCurrentProcessId());
    const char *word = strcmp(words[at], "SELF") ? words[at] : self;
    used += snprintf(line + used, LONGEST - used, "\"%s\" ", word);
  }

  STARTUPINFOA start = {.cb = sizeof start};
  PROCESS_INFORMATION child;
  if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) {
    fprintf(stderr, "parent: cannot start it: %lu\n", GetLastError());
    return 99;
  }
  BOOL looked = FALSE;
  while (WaitForSingleObject(child.hProcess, 50) == WAIT_TIMEOUT) {
    if (!looked && GetFileAttributesA("look") != INVALID_FILE_ATTRIBUTES) {
      looked = TRUE;
      HANDLE opened =
          OpenProcess(PROCESS_VM_READ | PROCESS_QUERY_INFORMATION, FALSE, child.dwProcessId);
      if (opened)
        fprintf(stderr, "parent: its memory is open\n");
      else
        fprintf(stderr, "parent: its memory is closed: %lu\n", GetLastError());
      fflush(stderr);
    }
  }
  DWORD code = 98;
  GetExitCodeProcess(child.hProcess, &code);
  return (int)code;
}
