"""As `sh_binary`, which would fetch rules for C++ from the network."""

def _script_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.file.src, is_executable = True)
    return [DefaultInfo(executable = program, runfiles = ctx.runfiles(files = ctx.files.data))]

script = rule(
    implementation = _script_impl,
    attrs = {
        "data": attr.label_list(allow_files = True),
        "src": attr.label(allow_single_file = True, mandatory = True),
    },
    executable = True,
)
