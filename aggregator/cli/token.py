"""``aggregator token``."""

import secrets

import click

from aggregator.cli.place import Place
from aggregator.model.editions import Format
from aggregator.outputs.tokens import TOKEN_BYTES, digest_of, private_url, token_of


@click.command()
@click.argument("who", default="somebody")
@click.pass_obj
def token(place: Place, who: str) -> None:
    """Make a token that opens private outputs, and say where it goes.

    WHO is your own name for whoever gets it: letters, digits and dashes. Nothing is written: the
    line for config/outputs.yaml and the addresses for the reader are printed. The token is told
    here only; what the file holds cannot be turned back into it. To revoke it, remove the line.
    """
    settings = place.bare()
    made = token_of(secrets.token_bytes(TOKEN_BYTES))
    click.echo("Below an output in config/outputs.yaml:\n")
    click.echo("    private: true")
    click.echo("    tokens:")
    click.echo(f"      {who}: sha256:{digest_of(made)}\n")
    private = [spec for spec in settings.outputs if spec.private]
    if not private:
        click.echo("For its reader, once it is there (NAME is the output's):\n")
        click.echo(f"  {settings.site.base_url}/private/{made}/NAME.atom")
        return
    click.echo("For its reader, whichever of these gets that line:\n")
    for spec in private:
        for form in Format:
            click.echo(f"  {private_url(spec, form, made, settings.site)}")
