# What Debian builds its own packages with: stack protector, checked library calls, position
# independent, nothing writable that need not be. The sanitized build checks more by itself.
add_compile_options(-fstack-protector-strong -fPIE)
add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
add_link_options(-pie -Wl,-z,relro,-z,now)
