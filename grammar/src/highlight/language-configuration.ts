/** What editors do while typing: brackets, comments, indentation. In the form of VS Code's language configuration. */
export function languageConfiguration(): Readonly<Record<string, unknown>> {
  const brackets = [
    ['{', '}'],
    ['[', ']'],
    ['(', ')'],
  ];
  const outsideOfTexts = ['string', 'comment'];
  return {
    comments: { lineComment: '//' },
    brackets,
    colorizedBracketPairs: brackets,
    autoClosingPairs: [
      ...brackets.map(([open, close]) => ({ open, close })),
      { open: '"', close: '"', notIn: outsideOfTexts },
    ],
    surroundingPairs: [...brackets, ['"', '"']],
    autoCloseBefore: ';:.,=}])> \n\t',
    wordPattern: String.raw`[A-Za-z_]\w*`,
    indentationRules: {
      increaseIndentPattern: String.raw`^((?!//).)*[\{\[\(][^\}\]\)"]*$`,
      decreaseIndentPattern: String.raw`^\s*[\}\]\)]`,
    },
    onEnterRules: [
      // A doc comment goes on.
      { beforeText: String.raw`^\s*///(?!/).*$`, action: { indent: 'none', appendText: '/// ' } },
    ],
    folding: { markers: { start: String.raw`^\s*//\s*#region\b`, end: String.raw`^\s*//\s*#endregion\b` } },
  };
}
