# CF_SWITCH(NAME, TEXT): --enable-NAME, off by default.
AC_DEFUN([CF_SWITCH],
[AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [enable_$1=no])])

# CF_ADD_CFLAG(FLAG): adds FLAG to CF_CFLAGS if the compiler takes it.
AC_DEFUN([CF_ADD_CFLAG],
[AS_VAR_PUSHDEF([cf_var], [cf_cv_flag_$1])
AC_CACHE_CHECK([whether $CC takes $1], [cf_var],
[cf_saved_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -Werror $1"
AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cf_var], [yes])], [AS_VAR_SET([cf_var], [no])])
CFLAGS=$cf_saved_CFLAGS])
AS_VAR_IF([cf_var], [yes], [CF_CFLAGS="$CF_CFLAGS $1"])
AS_VAR_POPDEF([cf_var])])

# CF_ADD_SANITIZER(NAME): -fsanitize=NAME for compiling and linking, or an error.
AC_DEFUN([CF_ADD_SANITIZER],
[CF_CFLAGS="$CF_CFLAGS -fsanitize=$1 -fno-omit-frame-pointer"
CF_LDFLAGS="$CF_LDFLAGS -fsanitize=$1"
AC_DEFINE_UNQUOTED(AS_TR_CPP([CONFAB_SANITIZE_$1]), [1], [Built with -fsanitize=$1])])
