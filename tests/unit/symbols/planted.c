/* Names that clash, for the check to find. */
int json_string(void);
int cli_hex(void);

int json_string(void)
{
    return 0;
}

int cli_hex(void)
{
    return 0;
}
