/* Loaded first (LD_PRELOAD), it has one call fail that changes files: the one of the number
   FAIL_CALL, counted from 1 in the process, with the error FAIL_ERROR. Then FAIL_FIRED, a file, is
   made, so that who started the process knows. */
