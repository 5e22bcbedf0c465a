"""`dogwatch completion`: what makes a shell complete names."""

import click
from click.shell_completion import get_completion_class

from dogwatch.cli.session import Session, command

_EXAMPLES = """
dogwatch completion bash > /etc/bash_completion.d/dogwatch
dogwatch completion zsh > ~/.zfunc/_dogwatch
dogwatch completion fish > ~/.config/fish/completions/dogwatch.fish
"""


@command("completion", _EXAMPLES)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion_command(ctx: click.Context, session: Session, shell: str) -> None:
    """Print what makes a shell complete the names of commands and options.

    Bash reads it from the file of the example, or by `. <(dogwatch completion bash)` in ~/.bashrc.
    """
    kind = get_completion_class(shell)
    assert kind
    click.echo(kind(ctx.find_root().command, {}, "dogwatch", "_DOGWATCH_COMPLETE").source())
