# Fills templates with variables: fill.pl TEMPLATES MADE
#
# Each file of the one folder has its namesake in the other, which is there and is written in place, so that whoever
# has it mounted sees what is in it. <<variable NAME>> becomes the variable's value, in *.json as JSON writes it.
use strict;
use warnings;

my ($templates, $made) = @ARGV;
for my $template (glob "$templates/*") {
    my ($name) = $template =~ m{([^/]+)$};
    open my $from, '<:raw', $template or die "$template: $!\n";
    my $text = do { local $/; <$from> };
    my $as_json = $name =~ m{\.json$};
    $text =~ s/<<variable (\w+)>>/value($1, $as_json)/ge;
    open my $to, '>:raw', "$made/$name" or die "$made/$name: $!\n";
    print $to $text;
    close $to or die "$made/$name: $!\n";
}

sub value {
    my ($name, $as_json) = @_;
    my $value = $ENV{$name};
    die "$name is not set\n" unless defined $value;
    if ($as_json) {
        $value =~ s/(["\\])/\\$1/g;
        $value =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;
    }
    return $value;
}
