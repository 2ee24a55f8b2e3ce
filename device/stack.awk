# device/stack.awk: the deepest stack a program can need, from gcc's -fcallgraph-info=su files.
#
#   awk -v root=boot_main -v limit=8192 -v extra=256 -v indirect='sha256 rsa_public' -f stack.awk *.ci
#
# Sums frames along the longest path from `root`. A call through a pointer is taken to reach any of
# `indirect` (names without their file). `extra` is for what has no such file: the trap frame and its
# handler, leaf functions of the C library. Recursion, a frame of unknown size and a sum above
# `limit` are errors.

/^node:/ {
    split($0, part, "\"")
    if (match(part[4], /[0-9]+ bytes \([a-z,]+\)/)) {
        frame = substr(part[4], RSTART, RLENGTH)
        split(frame, word, " ")
        size[part[2]] = word[1] + 0
        if (frame ~ /dynamic/ && frame !~ /bounded/)
            unbounded[part[2]] = 1
    }
}

/^edge:/ {
    split($0, part, "\"")
    calls[part[2]] = calls[part[2]] "\n" part[4]
}

function deepest(name,    list, count, i, best, depth) {
    if (name in known)
        return known[name]
    if (name in open) {
        print "stack: recursion through " name
        failed = 1
        return 0
    }
    if (name in unbounded) {
        print "stack: frame of unknown size: " name
        failed = 1
    }
    open[name] = 1
    count = split(calls[name], list, "\n")
    best = 0
    for (i = 2; i <= count; i++) {
        depth = list[i] == "__indirect_call" ? pointed : deepest(list[i])
        if (depth > best)
            best = depth
    }
    delete open[name]
    return known[name] = best + size[name]
}

END {
    count = split(indirect, target, " ")
    for (name in size)
        for (i = 1; i <= count; i++)
            if (name == target[i] || name ~ ":" target[i] "$") {
                depth = deepest(name)
                if (depth > pointed)
                    pointed = depth
            }
    for (name in known) # computed before `pointed` was complete
        delete known[name]
    if (!(root in size)) {
        print "stack: no such function: " root
        exit 1
    }
    depth = deepest(root) + extra
    printf "%s: worst stack %d of %d bytes\n", root, depth, limit
    exit failed || depth > limit
}
